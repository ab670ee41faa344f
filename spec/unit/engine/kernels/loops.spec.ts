import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { compile, instantiate, readKernels } from '../../../../engine/kernels/instance.ts';
import { LOOPS, type Loops, runLoops, WIDE_LOOPS } from '../../../../engine/kernels/loops.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { EMULATED_NAME, KERNELS_URL } from '../../../../engine/kernels/sources.ts';

/** The exports of assembly/index.ts that are no loops: functions of threads, and those that choose a loop. */
const OTHERS = [
  ...['attach', 'close', 'fail', 'fuses', 'run', 'serve', 'setScratch', 'share'],
  ...['addValueRows', 'addValues16', 'addValues8', 'sumHalf', 'sumPanel', 'sumPanelBF16'],
];

async function load(url: URL) {
  const { memory } = new KernelMemory(2 ** 16);
  const functions = instantiate(compile(await readKernels(url), url), url, memory);
  return { functions, loops: functions as unknown as Loops, memory };
}

test('every exported loop has a small product, and all but those of 128 bits are for 256 bits', async (t) => {
  const { loops } = await load(KERNELS_URL);
  const exported = Object.keys(loops).filter((name) => !OTHERS.includes(name));
  t.deepEqual([...LOOPS].sort(), exported.sort());
  t.deepEqual(
    LOOPS.filter((name) => !WIDE_LOOPS.includes(name)),
    [1, 2, 3, 4, 5, 6].flatMap((rows) => [`half${rows}`, `values8x${rows}`]),
  );
});

test('every loop writes a result that depends on its arguments, and the next run repeats it', async (t) => {
  const { loops, memory } = await load(KERNELS_URL);
  const results = runLoops(loops, memory, LOOPS);
  t.is(new Set([...results.values()].map((bytes) => Buffer.from(bytes).toString('hex'))).size, LOOPS.length);
  const untouched = runLoops(Object.fromEntries(LOOPS.map((name) => [name, () => {}])), memory, LOOPS);
  for (const [name, bytes] of results) t.notDeepEqual(bytes, untouched.get(name), name);
  t.deepEqual(runLoops(loops, memory, LOOPS), results);
});

test('the kernels for machines without a fused multiply-add give the same bits in every loop', async (t) => {
  const emulatedUrl = new URL(EMULATED_NAME, KERNELS_URL);
  const [fused, emulated] = [await load(KERNELS_URL), await load(emulatedUrl)];
  const expected = runLoops(fused.loops, fused.memory, LOOPS);
  const results = runLoops(emulated.loops, emulated.memory, LOOPS);
  for (const name of LOOPS) t.deepEqual(results.get(name), expected.get(name), name);
  t.truthy(emulated.functions.fuses(1 + 2 ** -12, -(1 + 2 ** -11)));
});

// In a process of its own: V8 14 aborts if it compiles the emulation while it fuses vectors for another spec.
test('the emulated multiply-add rounds once, also where rounding twice gives another bit', (t) => {
  const program = fileURLToPath(new URL('./emulated-sums.ts', import.meta.url));
  t.is(execFileSync(process.execPath, [program], { encoding: 'utf8' }), '15007 sums are right\n');
});
