import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { KernelMemory } from '../../../engine/kernels/memory.ts';
import { WebAssembly } from '../../../engine/kernels/web-assembly.ts';
import { compile, compileLimits } from '../../bench/limits/compile.ts';
import { LimitMeter } from '../../bench/limits/limits.ts';
import type { LimitLoops } from '../../bench/limits/worker.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

/** The loops, in this thread. */
async function loopsOn({ memory }: KernelMemory): Promise<LimitLoops> {
  const module = new WebAssembly.Module(await compileLimits());
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LimitLoops;
}

test('the reading loop takes every vector of its memory in, and none beside it', async (t) => {
  const memory = new KernelMemory();
  const address = memory.allocate(512);
  const words = new Int32Array(memory.buffer, address, 128);
  const loops = await loopsOn(memory);
  for (let word = 0; word < 64; word += 4) {
    words.fill(0)[word] = 1 << (word / 4);
    t.is(loops.read(address, 256), 1 << (word / 4), `word ${word}`);
  }
  words.fill(0)[64] = 1;
  t.is(loops.read(address, 256), 0);
});

test('the arithmetic loops multiply and add in every lane as often as their argument says', async (t) => {
  const memory = new KernelMemory();
  const loops = await loopsOn(memory);
  for (const [name, vectors] of [
    ['multiplyAdd', 8],
    ['multiplyAddWide', 20],
  ] as const) {
    const address = memory.allocate(16 * vectors);
    const sums = new Float32Array(memory.buffer, address, 4 * vectors);
    for (const [turns, expected] of [
      // The chains begin at 1, 1.1 and so on; every turn halves them and adds one to each.
      [0, (begin: number) => begin],
      [1, (begin: number) => begin / 2 + 1],
      [2, (begin: number) => begin / 4 + 1.5],
      [100, () => 2],
    ] as const) {
      loops[name](turns, 0.5, 1, address);
      for (const [lane, sum] of sums.entries()) {
        const begin = 1 + Math.floor(lane / 4) / 10;
        t.true(Math.abs(sum - expected(begin)) < 1e-6, `${name}, ${turns} turns, lane ${lane}: ${sum}`);
      }
    }
  }
});

test('the loops are compiled once, and found where they were kept', async (t) => {
  const folder = temporaryFolder(t);
  t.deepEqual(
    Buffer.from(await compileLimits(folder))
      .subarray(0, 4)
      .toString(),
    '\0asm',
  );
  const [kept, ...others] = readdirSync(folder);
  t.deepEqual(others, []);
  writeFileSync(join(folder, kept, 'limits.wasm'), 'kept');
  t.is(Buffer.from(await compileLimits(folder)).toString(), 'kept');
});

test('a source that does not compile is an error with the message of the compiler', async (t) => {
  const error = await t.throwsAsync(compile('export function read(): i32 { return nothing; }'));
  t.regex(error!.message, /^the loops do not compile: .*Cannot find name 'nothing'/s);
});

test('limits are measured by as many threads as are asked for, and the threads end', async (t) => {
  // Every look at the clock takes half a second, so what is done between two of them takes so long.
  let time = 0;
  const now = () => {
    time += 500;
    return time;
  };
  const meter = await LimitMeter.start({ threads: 2, bytes: 2 ** 22, revectorize: false, now });
  t.deepEqual([meter.threads, meter.vectorBits], [2, 128]);
  const limits = await meter.measure();
  await meter.close();
  // 1 GiB is read; each thread does 20 million turns of 8 multiplications and additions of 4 lanes.
  t.deepEqual(limits, { bytesPerSecond: 2 * 2 ** 30, flopsPerSecond: 2 * 2 * 20e6 * 64 });
  t.is(time, 2000, 'the clock is looked at before and after each');
});
