import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import type {
  AttentionArgs,
  AttentionSequence,
  Kernels,
  StoreKeyValueArgs,
} from '../../../../engine/kernels/kernels.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';

const wasm = await createWasmKernels();
test.after.always(() => wasm.dispose());

/** A call that a kernel must refuse, and the error message. */
type Refusal = [call: (kernels: Kernels, f: (length: number) => Float32Array) => unknown, message: string];

const matrixOf = (kernels: Kernels) =>
  kernels.pack({ outputs: 3, inputs: 4, dtype: 'F32' }, () => new Uint8Array(48));

/** Two positions of two heads on one key and value head of two dimensions, blocks of one position. */
function attentionArgs(kernels: Kernels, change: Partial<AttentionSequence> = {}): AttentionArgs {
  const f = (length: number) => kernels.allocate(length);
  const sizes = { blockSize: 1, numAttentionHeads: 2, numKeyValueHeads: 1, headDim: 2 };
  const sequences = [{ rows: 1, startPosition: 1, blockTable: [1, 0], ...change }];
  const scratch = { scores: f(512), tables: kernels.allocateInt32(6) };
  return { ...sizes, ...scratch, sequences, keys: f(4), values: f(4), q: f(4), out: f(4), scale: 1 };
}

const attend = (change: Partial<AttentionArgs>) => (kernels: Kernels) =>
  kernels.attention({ ...attentionArgs(kernels), ...change });

const attendTo = (change: Partial<AttentionSequence>) => (kernels: Kernels) =>
  kernels.attention(attentionArgs(kernels, change));

const storeKeyValue = (change: Partial<StoreKeyValueArgs>) => (kernels: Kernels) => {
  const [k, v, slots] = [kernels.allocate(2), kernels.allocate(2), kernels.allocateInt32(1).fill(1)];
  kernels.storeKeyValue({ ...attentionArgs(kernels), rows: 1, k, v, slots, ...change });
};

const argmax = (values: number, rows: number, width: number, indices: number) => (kernels: Kernels) =>
  kernels.argmax(kernels.allocate(values), rows, width, kernels.allocateInt32(indices));

const REFUSALS: Refusal[] = [
  [(kernels) => kernels.allocate(-1), 'allocate: length is -1, expected a whole number of at least 0'],
  [(kernels) => kernels.allocateInt32(1.5), 'allocate: length is 1.5, expected a whole number of at least 0'],
  [
    (kernels) => kernels.pack({ outputs: 0, inputs: 1, dtype: 'F32' }, () => new Uint8Array(0)),
    'pack: outputs is 0, expected a whole number of at least 1',
  ],
  [
    (kernels) => kernels.pack({ outputs: 1, inputs: NaN, dtype: 'F32' }, () => new Uint8Array(0)),
    'pack: inputs is NaN, expected a whole number of at least 1',
  ],
  [argmax(6, -1, 3, 2), 'argmax: rows is -1, expected a whole number of at least 0'],
  [argmax(6, 2, 0, 2), 'argmax: width is 0, expected a whole number of at least 1'],
  [argmax(5, 2, 3, 2), 'argmax: x holds 5 values, expected at least 6: [rows, width]'],
  [argmax(6, 2, 3, 1), 'argmax: indices holds 1 values, expected at least 2: [rows]'],
  [
    (kernels, f) => kernels.matmul(f(8), -1, matrixOf(kernels), f(6)),
    'matmul: rows is -1, expected a whole number of at least 0',
  ],
  [
    (kernels, f) => kernels.matmul(f(7), 2, matrixOf(kernels), f(6)),
    'matmul: x holds 7 values, expected at least 8: [rows, inputs]',
  ],
  [
    (kernels, f) => kernels.matmul(f(8), 2, matrixOf(kernels), f(5)),
    'matmul: y holds 5 values, expected at least 6: [rows, outputs]',
  ],
  [
    (kernels, f) => kernels.matmul(f(8), 2, { ...matrixOf(kernels), inputs: 5 }, f(6)),
    'matmul: a packed F32 matrix [3, 5] has 256 bytes, expected 320; make it with pack()',
  ],
  [
    (kernels, f) => kernels.gather(matrixOf(kernels), [0, 3], f(8)),
    'gather: ids[1] is 3, expected a whole number of 0 … 2',
  ],
  [
    (kernels, f) => kernels.gather(matrixOf(kernels), [-1], f(8)),
    'gather: ids[0] is -1, expected a whole number of 0 … 2',
  ],
  [
    (kernels, f) => kernels.gather(matrixOf(kernels), [0.5], f(8)),
    'gather: ids[0] is 0.5, expected a whole number of 0 … 2',
  ],
  [
    (kernels, f) => kernels.gather(matrixOf(kernels), [0, 1], f(7)),
    'gather: y holds 7 values, expected at least 8: [ids, inputs]',
  ],
  [
    (kernels, f) => kernels.rmsNorm({ x: f(4), rows: 1, weight: f(0), eps: 0, y: f(4) }),
    'rmsNorm: width, the length of weight, is 0, expected a whole number of at least 1',
  ],
  [
    (kernels, f) => kernels.rmsNorm({ x: f(3), rows: 2, weight: f(2), eps: 0, y: f(4) }),
    'rmsNorm: x holds 3 values, expected at least 4: [rows, width]',
  ],
  [
    (kernels, f) => kernels.rmsNorm({ x: f(4), rows: 2, weight: f(2), eps: 0, y: f(3) }),
    'rmsNorm: y holds 3 values, expected at least 4: [rows, width]',
  ],
  [
    (kernels, f) => kernels.rmsNorm({ x: f(4), rows: 0.5, weight: f(2), eps: 0, y: f(4) }),
    'rmsNorm: rows is 0.5, expected a whole number of at least 0',
  ],
  [
    (kernels, f) => kernels.rope({ x: f(9), rows: 1, heads: 3, headDim: 3, cos: f(3), sin: f(3) }),
    'rope: half of headDim is 1.5, expected a whole number of at least 1',
  ],
  [
    (kernels, f) => kernels.rope({ x: f(7), rows: 1, heads: 2, headDim: 4, cos: f(2), sin: f(2) }),
    'rope: x holds 7 values, expected at least 8: [rows, heads, headDim]',
  ],
  [
    (kernels, f) => kernels.rope({ x: f(8), rows: 1, heads: 2, headDim: 4, cos: f(1), sin: f(2) }),
    'rope: cos holds 1 values, expected at least 2: [rows, headDim / 2]',
  ],
  [
    (kernels, f) => kernels.rope({ x: f(8), rows: 1, heads: 2, headDim: 4, cos: f(2), sin: f(1) }),
    'rope: sin holds 1 values, expected at least 2: [rows, headDim / 2]',
  ],
  [
    (kernels, f) => kernels.rope({ x: f(8), rows: NaN, heads: 2, headDim: 4, cos: f(2), sin: f(2) }),
    'rope: rows is NaN, expected a whole number of at least 0',
  ],
  [
    (kernels, f) => kernels.rope({ x: f(8), rows: 1, heads: -2, headDim: 4, cos: f(2), sin: f(2) }),
    'rope: heads is -2, expected a whole number of at least 0',
  ],
  [attendTo({ rows: -1 }), 'attention: rows of sequence 0 is -1, expected a whole number of at least 0'],
  [
    attendTo({ startPosition: 0.5 }),
    'attention: startPosition of sequence 0 is 0.5, expected a whole number of at least 0',
  ],
  [attend({ blockSize: 0 }), 'attention: blockSize is 0, expected a whole number of at least 1'],
  [attend({ headDim: 1 }), 'attention: half of headDim is 0.5, expected a whole number of at least 1'],
  [
    attend({ numKeyValueHeads: 0 }),
    'attention: numKeyValueHeads is 0, expected a whole number of at least 1',
  ],
  [
    attend({ numAttentionHeads: 1.5 }),
    'attention: numAttentionHeads / numKeyValueHeads is 1.5, expected a whole number of at least 1',
  ],
  [
    attendTo({ startPosition: 2 }),
    'attention: blockTable of sequence 0 holds 2 values, expected at least 3: a block for every position',
  ],
  [
    attendTo({ blockTable: [0, 2] }),
    "attention: blockTable[1] of sequence 0 is 2, expected one of the cache's 2 blocks",
  ],
  [
    attendTo({ blockTable: [-1, 0] }),
    "attention: blockTable[0] of sequence 0 is -1, expected one of the cache's 2 blocks",
  ],
  [
    attendTo({ blockTable: [0.5, 0] }),
    "attention: blockTable[0] of sequence 0 is 0.5, expected one of the cache's 2 blocks",
  ],
  [
    attend({ tables: new Int32Array(5) }),
    'attention: tables holds 5 values, expected at least 6: tablesLength(sequences, their blocks)',
  ],
  [
    attend({ keys: new Float32Array(3) }),
    "attention: blockTable[0] of sequence 0 is 1, expected one of the cache's 1 blocks",
  ],
  // The last block is used as far as its first position.
  [
    (kernels) =>
      kernels.attention({
        ...attentionArgs(kernels, { startPosition: 2, blockTable: [0, 7] }),
        blockSize: 2,
      }),
    "attention: blockTable[1] of sequence 0 is 7, expected one of the cache's 1 blocks",
  ],
  [
    attend({ q: new Float32Array(3) }),
    'attention: q holds 3 values, expected at least 4: [rows, numAttentionHeads, headDim]',
  ],
  [
    attend({ out: new Float32Array(3) }),
    'attention: out holds 3 values, expected at least 4: [rows, numAttentionHeads, headDim]',
  ],
  [
    attend({ scores: new Float32Array(511) }),
    'attention: scores holds 511 values, expected at least 512: scoresLength(threads, the most positions)',
  ],
  // The longest sequence decides, wherever it stands.
  [
    (kernels, f) =>
      kernels.attention({
        ...attentionArgs(kernels),
        ...{ blockSize: 32, keys: f(64), values: f(64), q: f(12), out: f(12), scores: f(1023) },
        sequences: [0, 16, 0].map((startPosition) => ({ rows: 1, startPosition, blockTable: [0] })),
      }),
    'attention: scores holds 1023 values, expected at least 1024: scoresLength(threads, the most positions)',
  ],
  [
    storeKeyValue({ k: new Float32Array(1) }),
    'storeKeyValue: k holds 1 values, expected at least 2: [rows, numKeyValueHeads, headDim]',
  ],
  [
    storeKeyValue({ v: new Float32Array(1) }),
    'storeKeyValue: v holds 1 values, expected at least 2: [rows, numKeyValueHeads, headDim]',
  ],
  [storeKeyValue({ rows: -1 }), 'storeKeyValue: rows is -1, expected a whole number of at least 0'],
  [storeKeyValue({ blockSize: 0 }), 'storeKeyValue: blockSize is 0, expected a whole number of at least 1'],
  [
    storeKeyValue({ slots: new Int32Array(0) }),
    'storeKeyValue: slots holds 0 values, expected at least 1: [rows]',
  ],
  [
    storeKeyValue({ slots: Int32Array.of(-1) }),
    "storeKeyValue: slots[0] is -1, expected one of the cache's 2 slots",
  ],
  [
    storeKeyValue({ values: new Float32Array(2) }),
    "storeKeyValue: slots[0] is 1, expected one of the cache's 1 slots",
  ],
  [
    (kernels, f) => kernels.siluMultiply(f(1), f(2), 2),
    'siluMultiply: its first array holds 1 values, expected at least 2: length',
  ],
  [
    (kernels, f) => kernels.add(f(2), f(1), 2),
    'add: its second array holds 1 values, expected at least 2: length',
  ],
  [
    (kernels, f) => kernels.addScaled(f(2), f(2), 1, -2),
    'addScaled: length is -2, expected a whole number of at least 0',
  ],
];

for (const kernels of [createScalarKernels(), wasm]) {
  for (const [call, message] of REFUSALS) {
    test(`${kernels.name} refuses a call: ${message}`, (t) => {
      t.throws(() => call(kernels, (length) => kernels.allocate(length)), {
        instanceOf: KernelError,
        message,
      });
    });
  }

  test(`${kernels.name} accepts the calls that the refused ones differ from`, (t) => {
    const f = (length: number) => kernels.allocate(length);
    t.notThrows(() => kernels.matmul(f(8), 2, matrixOf(kernels), f(6)));
    t.notThrows(() => kernels.gather(matrixOf(kernels), [0, 2], f(8)));
    t.notThrows(() => kernels.rmsNorm({ x: f(4), rows: 2, weight: f(2), eps: 0, y: f(4) }));
    t.notThrows(() => kernels.rope({ x: f(8), rows: 1, heads: 2, headDim: 4, cos: f(2), sin: f(2) }));
    t.notThrows(() => attend({})(kernels));
    t.notThrows(() => storeKeyValue({})(kernels));
    t.notThrows(() => argmax(6, 2, 3, 2)(kernels));
    t.notThrows(() => kernels.siluMultiply(f(2), f(2), 2));
    t.notThrows(() => kernels.add(f(2), f(2), 2));
    t.notThrows(() => kernels.addScaled(f(2), f(2), 1, 2));
  });

  test(`${kernels.name} accepts nothing to do`, (t) => {
    const f = (length: number) => kernels.allocate(length);
    t.is(f(0).length, 0);
    t.notThrows(() => kernels.matmul(f(0), 0, matrixOf(kernels), f(0)));
    t.notThrows(() => kernels.gather(matrixOf(kernels), [], f(0)));
    t.notThrows(() => kernels.rmsNorm({ x: f(0), rows: 0, weight: f(2), eps: 0, y: f(0) }));
    const rope = { headDim: 4, cos: f(2), sin: f(2) };
    t.notThrows(() => kernels.rope({ x: f(0), rows: 0, heads: 2, ...rope }));
    t.notThrows(() => kernels.rope({ x: f(0), rows: 1, heads: 0, ...rope }));
    t.notThrows(() => attendTo({ rows: 0, startPosition: 0, blockTable: [] })(kernels));
    t.notThrows(() => attend({ sequences: [] })(kernels));
    t.notThrows(() => storeKeyValue({ rows: 0 })(kernels));
    t.notThrows(() => argmax(0, 0, 3, 0)(kernels));
    t.notThrows(() => kernels.siluMultiply(f(0), f(0), 0));
    t.notThrows(() => kernels.add(f(0), f(0), 0));
    t.notThrows(() => kernels.addScaled(f(0), f(0), 1, 0));
  });
}
