import test from 'ava';
import { fusedMultiplyAdd } from '../../../../engine/kernels/fused.ts';
import { compile, instantiate, readKernels } from '../../../../engine/kernels/instance.ts';
import { LOOPS, type Loops, runLoops, WIDE_LOOPS } from '../../../../engine/kernels/loops.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { EMULATED_NAME, KERNELS_URL } from '../../../../engine/kernels/sources.ts';
import { arrayOf } from './arrays.ts';

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

/** Factors and summands whose last bit depends on how f64 is rounded to odd, see fused.spec.ts. */
const a = 2 ** -12 * (1 + 2 ** -20);
const b = 2 ** -12 * (1 - 2 ** -20);
const tie = 1 + 2 ** -23;
const DECIDING: [number, number, number][] = [
  [a, b, 1],
  [a, b, tie],
  [-a, b, -tie],
  // Less than half a unit of f64 below 1 + 2⁻²³ + 2⁻²⁴: the sum in f64 is odd, and stays as it is.
  [2 ** -12 * (1 + 3 * 2 ** -16), 2 ** -12 * (1 - 3 * 2 ** -16), tie],
  [2 ** -12 * (1 + 2 ** -12), 2 ** -12 * (1 - 2 ** -12 + 2 ** -24), 1],
  [2 ** -63 * a, 2 ** -63 * b, 2 ** -130 + 2 ** -149],
  [2 ** 64 * a, 2 ** 63 * b, 2 ** 128 - 2 ** 104],
];

test('the emulated multiply-add rounds once, also where rounding twice gives another bit', async (t) => {
  const emulatedUrl = new URL(EMULATED_NAME, KERNELS_URL);
  const { loops, memory } = await load(emulatedUrl);
  const [x, w, result] = [1024, 2048, 4096];
  const floats = new Float32Array(memory.buffer);
  const [p, q, c] = [1, 2, 3].map((seed) => arrayOf(5000, seed, 'wild'));
  const operands = [...p].flatMap((value, i): [number, number, number][] =>
    // Sums that cancel, and sums of which the product is the rounding error, decide.
    [c[i], -value * q[i], value * q[i] * 2 ** 24].map((summand) => [value, q[i], Math.fround(summand)]),
  );
  for (const [value, weight, summand] of [...DECIDING, ...operands]) {
    // Two inputs of a row: summand · 1 + 0, to which value · weight is added, in all 16 outputs of a panel.
    floats.set([summand, value], x / 4);
    floats.fill(1, w / 4, w / 4 + 16).fill(weight, w / 4 + 16, w / 4 + 32);
    loops.panel1(x, x + 8, w, 64, result);
    const expected = fusedMultiplyAdd(value, weight, fusedMultiplyAdd(summand, 1, 0));
    const lane = floats.subarray(result / 4, result / 4 + 16).findIndex((got) => !Object.is(got, expected));
    if (lane < 0) continue;
    t.is(floats[result / 4 + lane], expected, `${value} · ${weight} + ${summand}, output ${lane}`);
    return;
  }
  t.pass();
});
