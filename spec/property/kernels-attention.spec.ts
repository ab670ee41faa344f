import test from 'ava';
import fc from 'fast-check';
import { type Kernels, scoresLength, tablesLength } from '../../engine/kernels/kernels.ts';
import { createScalarKernels } from '../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { arrayOf, FLAVOURS, type Flavour } from '../unit/engine/kernels/arrays.ts';
import { bitDifference } from '../unit/engine/kernels/same-bits.ts';

const scalar = createScalarKernels();
const wasm = await createWasmKernels();
// With the tiles of 128-bit vectors, and arrays around and beyond 2 GiB.
const threaded = await createWasmKernels({ threads: 5, sharedWork: 0, revectorize: false });
threaded.allocate(2 ** 29 - 2 ** 18);
test.after.always(() => wasm.dispose());
test.after.always(() => threaded.dispose());

interface Case {
  seed: number;
  flavour: Flavour;
  positions: number;
  numKeyValueHeads: number;
  headsPerKey: number;
  half: number;
  blockSize: number;
  /** Positions of each chunk in turn; the last chunk has the rest. */
  chunks: number[];
}

const arbitraryCase: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(),
  flavour: fc.constantFrom(...FLAVOURS),
  positions: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 40 }) }, fc.constantFrom(70, 129)),
  numKeyValueHeads: fc.integer({ min: 1, max: 3 }),
  headsPerKey: fc.integer({ min: 1, max: 6 }),
  // Multiples of eight have a kernel of their own.
  half: fc.oneof(fc.integer({ min: 1, max: 21 }), fc.constantFrom(4, 8, 12, 32, 64)),
  blockSize: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(8, 16, 24, 40, 48, 64)),
  chunks: fc.array(fc.integer({ min: 1, max: 24 }), { maxLength: 3 }),
});

/** Attention of all positions to those before them, through a cache whose blocks lie in a shuffled order. */
function attend(kernels: Kernels, c: Case): Float32Array {
  const { positions, numKeyValueHeads, blockSize } = c;
  const headDim = 2 * c.half;
  const numAttentionHeads = numKeyValueHeads * c.headsPerKey;
  const put = (length: number, seed: number, flavour: Flavour) => {
    const array = kernels.allocate(length);
    array.set(arrayOf(length, seed, flavour));
    return array;
  };
  const q = put(positions * numAttentionHeads * headDim, c.seed, c.flavour);
  const k = put(positions * numKeyValueHeads * headDim, c.seed + 1, c.flavour);
  const v = put(positions * numKeyValueHeads * headDim, c.seed + 2, c.flavour);
  const out = kernels.allocate(q.length);
  const numBlocks = Math.ceil(positions / blockSize);
  // The last block first, and an unused block in front. NaN shows if a value that was not stored is read.
  const blockTable = Array.from({ length: numBlocks }, (_, i) => numBlocks - i);
  const cacheLength = (numBlocks + 1) * blockSize * numKeyValueHeads * headDim;
  const keys = kernels.allocate(cacheLength).fill(NaN);
  const values = kernels.allocate(cacheLength).fill(NaN);
  const scores = kernels.allocate(scoresLength(kernels.threads, positions));
  const slots = kernels.allocateInt32(positions);
  slots.set(Array.from(slots, (_, p) => blockTable[Math.floor(p / blockSize)] * blockSize + (p % blockSize)));
  const tables = kernels.allocateInt32(tablesLength(1, numBlocks));
  const cache = { keys, values, blockSize, numKeyValueHeads, headDim };
  for (let startPosition = 0, chunk = 0; startPosition < positions; chunk++) {
    const rows = Math.min(c.chunks[chunk] ?? positions, positions - startPosition);
    const rowsOf = (array: Float32Array, heads: number) => array.subarray(startPosition * heads * headDim);
    kernels.storeKeyValue({
      ...cache,
      rows,
      k: rowsOf(k, numKeyValueHeads),
      v: rowsOf(v, numKeyValueHeads),
      slots: slots.subarray(startPosition),
    });
    kernels.attention({
      ...cache,
      sequences: [{ rows, startPosition, blockTable }],
      tables,
      q: rowsOf(q, numAttentionHeads),
      out: rowsOf(out, numAttentionHeads),
      numAttentionHeads,
      scale: 1 / Math.sqrt(headDim),
      scores,
    });
    startPosition += rows;
  }
  return out;
}

function same(actual: Float32Array, expected: Float32Array, by = 'wasm'): void {
  const difference = bitDifference(actual, expected);
  if (difference !== undefined) throw new Error(`${by} ${difference}`);
}

const RUN = { seed: 20261122, numRuns: 150 };
/** Heads of a real model in tiles, blocks of more than 32 positions, and a chunk that ends within one. */
const REAL_CASE: Case = {
  ...{ seed: 1, flavour: 'plain', positions: 150, numKeyValueHeads: 1, headsPerKey: 2, half: 64 },
  ...{ blockSize: 64, chunks: [70, 1] },
};

/** Blocks that 64 positions, which are computed together, are no multiple of. */
const OTHER_BLOCKS: [Case][] = [48, 128].map((blockSize) => [{ ...REAL_CASE, blockSize }]);

test('attention: wasm, alone or in threads, equals scalar to the last bit', (t) => {
  fc.assert(
    fc.property(arbitraryCase, (c) => {
      const expected = attend(scalar, c);
      same(attend(wasm, c), expected, 'wasm with one thread');
      same(attend(threaded, c), expected, 'wasm with 5 threads, 128-bit vectors, beyond 2 GiB');
    }),
    { ...RUN, examples: [[REAL_CASE], ...OTHER_BLOCKS] },
  );
  t.pass();
});

test('attention: neither the size of a block nor the chunks of a prefill change a bit', (t) => {
  fc.assert(
    fc.property(arbitraryCase, (c) => {
      const whole = attend(wasm, { ...c, blockSize: 16, chunks: [] });
      same(attend(wasm, c), whole);
    }),
    RUN,
  );
  t.pass();
});

test('attention: exponentials down to the denormals and to 0 are the same bits', (t) => {
  // Two positions with scores s and 0 and values 1 and 0: the weight of the first is eˢ / (1 + eˢ), or eˢ
  // where that is small.
  const attendTo = (kernels: Kernels, score: number) => {
    const c = {
      blockSize: 2,
      sequences: [{ rows: 1, startPosition: 1, blockTable: [0] }],
      tables: kernels.allocateInt32(tablesLength(1, 1)),
      numKeyValueHeads: 1,
      headDim: 2,
      keys: kernels.allocate(4),
      values: kernels.allocate(4),
    };
    c.keys[0] = score;
    c.values[0] = 1;
    const q = kernels.allocate(2).fill(1);
    const out = kernels.allocate(2);
    kernels.attention({
      ...c,
      q,
      out,
      numAttentionHeads: 1,
      scale: 1,
      scores: kernels.allocate(scoresLength(1, 2)),
    });
    return out;
  };
  for (let score = -110; score < 0; score += 0.043) same(attendTo(wasm, score), attendTo(scalar, score));
  t.is(attendTo(wasm, -103)[0], 2 ** -149);
});

interface Batch {
  seed: number;
  flavour: Flavour;
  numKeyValueHeads: number;
  headsPerKey: number;
  half: number;
  blockSize: number;
  sequences: { rows: number; startPosition: number; firstBlock: number }[];
}

const arbitraryBatch: fc.Arbitrary<Batch> = fc.record({
  seed: fc.nat(),
  flavour: fc.constantFrom(...FLAVOURS),
  // A unit takes up to 32 queries, of all key heads if there are no more.
  numKeyValueHeads: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(8)),
  headsPerKey: fc.integer({ min: 1, max: 5 }),
  half: fc.oneof(fc.integer({ min: 1, max: 21 }), fc.constantFrom(8, 64)),
  blockSize: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(16, 32)),
  sequences: fc.array(
    fc.record({
      rows: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 30 })),
      startPosition: fc.integer({ min: 0, max: 40 }),
      firstBlock: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

/** Attention of the sequences, in one call or each in its own; their blocks overlap. */
function attendBatch(kernels: Kernels, c: Batch, isTogether: boolean): Float32Array {
  const { blockSize, numKeyValueHeads } = c;
  const headDim = 2 * c.half;
  const width = numKeyValueHeads * c.headsPerKey * headDim;
  const sequences = c.sequences.map(({ rows, startPosition, firstBlock }) => {
    const length = Math.ceil((startPosition + rows) / blockSize);
    return { rows, startPosition, blockTable: Array.from({ length }, (_, i) => firstBlock + length - 1 - i) };
  });
  const numBlocks = Math.max(1, ...sequences.flatMap(({ blockTable }) => blockTable.map((b) => b + 1)));
  const put = (length: number, seed: number) => {
    const array = kernels.allocate(length);
    array.set(arrayOf(length, seed, c.flavour));
    return array;
  };
  const numRows = sequences.reduce((sum, { rows }) => sum + rows, 0);
  const q = put(numRows * width, c.seed);
  const out = kernels.allocate(q.length);
  const cacheLength = numBlocks * blockSize * numKeyValueHeads * headDim;
  const args = {
    ...{ keys: put(cacheLength, c.seed + 1), values: put(cacheLength, c.seed + 2), blockSize },
    ...{ numKeyValueHeads, numAttentionHeads: numKeyValueHeads * c.headsPerKey, headDim },
    scale: 1 / Math.sqrt(headDim),
    scores: kernels.allocate(scoresLength(kernels.threads, 70)),
    tables: kernels.allocateInt32(tablesLength(6, 6 * numBlocks)),
  };
  let row = 0;
  for (const some of isTogether ? [sequences] : sequences.map((each) => [each])) {
    kernels.attention({
      ...args,
      sequences: some,
      q: q.subarray(row * width),
      out: out.subarray(row * width),
    });
    row += some.reduce((sum, { rows }) => sum + rows, 0);
  }
  return out;
}

test('attention: sequences of one call have the bits that each has in a call of its own', (t) => {
  fc.assert(
    fc.property(arbitraryBatch, (c) => {
      const alone = attendBatch(scalar, c, false);
      for (const [kernels, by] of [
        [scalar, 'scalar'],
        [wasm, 'wasm with one thread'],
        [threaded, 'wasm with 5 threads, 128-bit vectors, beyond 2 GiB'],
      ] as const) {
        same(attendBatch(kernels, c, true), alone, by);
      }
    }),
    RUN,
  );
  t.pass();
});

test('attention: one score of NaN, wherever it is, makes NaN of the result', (t) => {
  for (const headDim of [2, 16]) {
    for (let place = 0; place < 16; place++) {
      for (const kernels of [scalar, wasm, threaded]) {
        const keys = kernels.allocate(16 * headDim);
        // The first dimension of the key; the others are 0.
        keys[place] = NaN;
        const out = kernels.allocate(headDim);
        kernels.attention({
          ...{ blockSize: 16, numAttentionHeads: 1, numKeyValueHeads: 1, headDim },
          sequences: [{ rows: 1, startPosition: 15, blockTable: [0] }],
          ...{ q: kernels.allocate(headDim).fill(1), keys, values: kernels.allocate(16 * headDim).fill(1) },
          ...{ out, scale: 1, tables: kernels.allocateInt32(tablesLength(1, 1)) },
          scores: kernels.allocate(scoresLength(kernels.threads, 16)),
        });
        t.true(
          out.every(Number.isNaN),
          `${kernels.name}, position ${place}, heads of ${headDim}: got ${out}`,
        );
      }
    }
  }
});
