import { join } from 'node:path';
import test from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { WeightLoader } from '../../../../engine/model/loader.ts';
import { Shard } from '../../../../engine/model/shard.ts';
import { narrow } from '../../../../verify/oracle/floats.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { denseModel } from '../tiny-models.ts';
import { openParts } from './parts.ts';
import { rankAlone } from './ranks-in-turn.ts';

trackResources(test);

const EMBEDDING = 'model.embed_tokens.weight';

for (const dtype of ['F32', 'F16', 'BF16'] as const) {
  test(`a matrix of ${dtype} holds the rows of the checkpoint, widened exactly`, (t) => {
    const model = denseModel({}, dtype);
    const { kernels, weights } = openParts(t, model);
    const matrix = weights.matrix(EMBEDDING);
    t.like(matrix, { outputs: 19, inputs: 13, dtype });
    const rows = new Float32Array(19 * 13);
    kernels.gather(matrix, [...Array(19).keys()], rows);
    t.deepEqual(Float64Array.from(rows), model.weights.get(EMBEDDING)!.data);
  });

  test(`a vector of ${dtype} is widened exactly`, (t) => {
    const model = denseModel({}, dtype);
    const vector = openParts(t, model).weights.vector('model.norm.weight');
    t.deepEqual(Float64Array.from(vector), model.weights.get('model.norm.weight')!.data);
  });
}

test('a matrix too large to be read at once has all rows in their places', (t) => {
  const dir = temporaryFolder(t);
  const [outputs, inputs] = [40, 8192];
  const data = Float32Array.from({ length: outputs * inputs }, (_, i) => i);
  const matrix = { dtype: 'F32', shape: [outputs, inputs], data };
  writeSafetensors(join(dir, 'model.safetensors'), new Map([['matrix', matrix]]));
  const kernels = createScalarKernels();
  const checkpoint = closing(t, Checkpoint.open(dir));
  const loader = new WeightLoader({ checkpoint, kernels, names: ['matrix'] });
  const rows = new Float32Array(data.length);
  kernels.gather(loader.matrix('matrix'), [...Array(outputs).keys()], rows);
  t.is(bitDifference(rows, data), undefined);
});

for (const dtype of ['F32', 'BF16'] as const) {
  test(`a rank's part of a matrix of ${dtype} that is read in several pieces has its own rows and columns`, async (t) => {
    const [outputs, inputs] = [520, 16];
    // Whole numbers that every dtype stores.
    const value = (output: number, input: number) => (output % 9) * 16 + input;
    const whole = Float64Array.from({ length: outputs * inputs }, (_, i) =>
      value(Math.floor(i / inputs), i % inputs),
    );
    const dir = temporaryFolder(t);
    const names = ['x.q_proj.weight', 'x.o_proj.weight'];
    const matrix = { dtype, shape: [outputs, inputs], data: narrow(dtype, whole) };
    writeSafetensors(join(dir, 'model.safetensors'), new Map(names.map((name) => [name, matrix])));
    const checkpoint = closing(t, Checkpoint.open(dir));
    for (const kernels of [createScalarKernels(), await createWasmKernels({ maxBytes: 2 ** 24 })]) {
      const shard = new Shard(rankAlone(1, 2), { tp: 2, ep: 1 });
      const loader = new WeightLoader({ checkpoint, kernels, names, shard });
      for (const [name, count, width] of [
        [names[0], outputs / 2, inputs],
        [names[1], outputs, inputs / 2],
      ] as const) {
        const rows = kernels.allocate(count * width);
        kernels.gather(loader.matrix(name), [...Array(count).keys()], rows);
        const expected = Float32Array.from({ length: rows.length }, (_, i) =>
          value(outputs - count + Math.floor(i / width), inputs - width + (i % width)),
        );
        const place = (i: number) => `row ${Math.floor(i / width)}, column ${i % width}`;
        t.is(bitDifference(rows.slice(), expected, place), undefined, `${kernels.name}, ${name}`);
      }
      kernels.dispose();
    }
  });
}

test('weights lie in the memory of the kernels', (t) => {
  const { kernels, weights } = openParts(t, denseModel());
  const before = kernels.bytesAllocated;
  weights.vector('model.norm.weight');
  t.is(kernels.bytesAllocated - before, 4 * 13);
  weights.matrix(EMBEDDING);
  t.true(kernels.bytesAllocated - before >= 4 * 13 + 4 * 19 * 13);
});

test('working memory is shared under one name', (t) => {
  const { kernels, weights } = openParts(t, denseModel());
  const before = kernels.bytesAllocated;
  const scratch = weights.scratch('a', 10);
  t.is(scratch.length, 10);
  t.is(weights.scratch('a', 10), scratch);
  t.not(weights.scratch('b', 10), scratch);
  t.is(kernels.bytesAllocated - before, 80);
});

/** A checkpoint of two weights that are used and one that is not. */
function open(t: Parameters<typeof closing>[0]): Checkpoint {
  const dir = temporaryFolder(t);
  const zeros = (shape: number[], length: number) => ({
    dtype: 'F32',
    shape,
    data: new Float32Array(length),
  });
  const tensors = { matrix: zeros([2, 3], 6), vector: zeros([5], 5), unused: zeros([7], 7) };
  writeSafetensors(join(dir, 'model.safetensors'), new Map(Object.entries(tensors)));
  return closing(t, Checkpoint.open(dir));
}

test('progress is reported in bytes after each weight, and reaches the total of those that are used', (t) => {
  const reported: [number, number][] = [];
  const loader = new WeightLoader({
    checkpoint: open(t),
    kernels: createScalarKernels(),
    names: ['matrix', 'vector'],
    onProgress: (...progress) => reported.push(progress),
  });
  t.deepEqual(reported, []);
  loader.vector('vector');
  loader.matrix('matrix');
  t.deepEqual(reported, [
    [20, 44],
    [44, 44],
  ]);
});

test('a missing weight is named', (t) => {
  const checkpoint = open(t);
  const kernels = createScalarKernels();
  const loader = new WeightLoader({ checkpoint, kernels, names: [] });
  const expectation = { instanceOf: CheckpointError, message: /the tensor "absent" is missing/ };
  t.throws(() => loader.matrix('absent'), expectation);
  t.throws(() => loader.vector('absent'), expectation);
  t.throws(() => new WeightLoader({ checkpoint, kernels, names: ['absent'] }), expectation);
});
