import test from 'ava';
import type { Kernels } from '../../../../engine/kernels/kernels.ts';
import type { SampleSize } from '../../../../engine/kernels/samples.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { REAL_SAMPLES, SMALL_SAMPLE, sampleValues } from './sample-values.ts';

// A kernel that writes beyond its working memory changes what lies there: another thread's sums, the cache
// of another request. No result of the call itself shows it.

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Values on either side of everything that a sample allocates; more than a thread's working memory. */
const GUARD = 2 ** 16;

/**
 * The methods of kernels, and the memory that they allocate for themselves.
 *
 * @returns ranges of addresses, and the address from which on memory is the sample's.
 */
function withOwnMemory(kernels: Kernels): { spied: Kernels; own: Range[]; begin: number } {
  const own: Range[] = [];
  const top = () => kernels.allocate(0).byteOffset;
  const begin = top();
  const recorded =
    <A extends unknown[], R>(method: (...args: A) => R, ownsAll: (result: R) => number | undefined) =>
    (...args: A): R => {
      const from = top();
      const result = method(...args);
      own.push({ from, to: ownsAll(result) ?? top() });
      return result;
    };
  const spied: Kernels = Object.assign(Object.create(kernels), {
    // The panels behind its own memory belong to the matrix.
    pack: recorded(kernels.pack, ({ panels }) => panels.byteOffset),
    matmul: recorded(kernels.matmul, () => undefined),
    siluMultiply: recorded(kernels.siluMultiply, () => undefined),
    attention: recorded(
      (args: Parameters<Kernels['attention']>[0]) => {
        own.push(rangeOf(args.scores), rangeOf(args.tables));
        kernels.attention(args);
      },
      () => undefined,
    ),
  });
  return { spied, own, begin };
}

function rangeOf(view: ArrayBufferView): Range {
  return { from: view.byteOffset, to: view.byteOffset + view.byteLength };
}

/**
 * The first change of memory outside some ranges.
 *
 * @param begin where to begin; the calls for the threads lie before it.
 * @returns undefined if nothing has changed.
 */
function firstChange(before: Uint8Array, memory: ArrayBufferLike, begin: number, allowed: readonly Range[]) {
  const now = new Uint8Array(memory, 0, before.length);
  const end = { from: before.length, to: before.length };
  // What was allocated meanwhile lies behind.
  const within = allowed.filter(({ from }) => from < end.from);
  const sorted = [...within, end].sort((a, b) => a.from - b.from);
  let at = begin;
  for (const { from, to } of sorted) {
    const [was, is] = [before, now].map((bytes) => Buffer.from(bytes.buffer, at, Math.max(0, from - at)));
    if (!was.equals(is)) {
      const i = was.findIndex((byte, index) => byte !== is[index]);
      return { address: at + i, was: was[i], is: is[i] };
    }
    at = Math.max(at, to);
  }
  return undefined;
}

type Memory = ReturnType<typeof withOwnMemory>;

/** Memory as it was, in one copy for all samples: pages of a new one cost more than what they hold. */
let kept = new Uint8Array(0);

function copyOf(memory: Uint8Array): Uint8Array {
  if (kept.length < memory.length) kept = new Uint8Array(memory.length);
  kept.set(memory);
  return kept.subarray(0, memory.length);
}

/** Runs a sample twice: the first run allocates what the kernels lack. @returns a complaint. */
function changeOf(
  name: keyof typeof KERNELS,
  size: SampleSize,
  { spied, own, begin }: Memory,
): string | undefined {
  const { buffer } = spied.allocate(GUARD).fill(1 / 3);
  const { run, written } = KERNELS[name].sample(spied, size, sampleValues(1));
  for (const which of ['first', 'second']) {
    const last = spied.allocate(GUARD).fill(2 / 3);
    const before = copyOf(new Uint8Array(buffer, 0, rangeOf(last).to));
    run();
    const change = firstChange(before, buffer, begin, [...own, ...written.map(rangeOf)]);
    if (change === undefined) continue;
    const { address, was, is } = change;
    const places = own.map(({ from, to }) => `${from} to ${to}`).join(', ') || 'none';
    return `${which} run: byte ${is} at address ${address}, expected ${was}; its own memory: ${places}`;
  }
  return undefined;
}

/**
 * Ascending by inputs, which decide how much memory the kernels allocate, so that they have no more than a
 * size needs. What earlier sizes have left in memory must not change either.
 */
const SIZES = {
  small: SMALL_SAMPLE,
  // The most strips of rows that go through several panels together.
  'of 30 rows': { ...SMALL_SAMPLE, rows: 30, outputs: 85 },
  'of a full block of rows': { ...SMALL_SAMPLE, rows: 256 },
  // A unit of attention with as many queries of as many dimensions as it takes.
  'of the most heads': { ...SMALL_SAMPLE, rows: 1, numKeyValueHeads: 8, headsPerKey: 4, halfHeadDim: 128 },
  ...{ 'of 257 rows': REAL_SAMPLES[3], 'of a real model': REAL_SAMPLES[2] },
};

for (const name of Object.keys(KERNELS) as (keyof typeof KERNELS)[]) {
  test(`${name} changes nothing but its outputs and its own memory`, async (t) => {
    for (const [threads, isWide] of [
      [1, true],
      [3, false],
    ] as const) {
      const kernels = await createWasmKernels({ threads, sharedWork: 0, revectorize: isWide });
      t.teardown(() => kernels.dispose());
      const memory = withOwnMemory(kernels);
      for (const [what, size] of Object.entries(SIZES)) {
        const complaint = changeOf(name, size, memory);
        if (complaint) t.fail(`size ${what}, ${threads} threads: ${complaint}`);
      }
    }
    t.pass();
  });
}
