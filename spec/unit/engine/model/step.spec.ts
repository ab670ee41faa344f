import test from 'ava';
import { parseModelConfig } from '../../../../engine/config.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KvCache } from '../../../../engine/model/kv-cache.ts';
import { RopeTable } from '../../../../engine/model/rope.ts';
import { type Span, Step } from '../../../../engine/model/step.ts';
import { DENSE_CONFIG, MOE_CONFIG } from '../tiny-models.ts';

function createStep(json: object = DENSE_CONFIG): Step {
  const config = parseModelConfig(json);
  const kernels = createScalarKernels();
  const cache = new KvCache(kernels, config, { blockSize: 4, numBlocks: 3 });
  return new Step({ kernels, config, cache, maxRows: 5 });
}

const span = (length: number, startPosition: number): Span => ({
  ids: new Array(length).fill(0),
  startPosition,
  blockTable: Int32Array.of(0, 1, 2),
});

test('the buffers have room for all rows, positions and blocks', (t) => {
  const step = createStep();
  for (const buffer of [step.x, step.y, step.normed]) t.is(buffer.length, 5 * 13);
  for (const buffer of [step.q, step.attended]) t.is(buffer.length, 5 * 24);
  for (const buffer of [step.k, step.v]) t.is(buffer.length, 5 * 12);
  for (const buffer of [step.cos, step.sin]) t.is(buffer.length, 5 * 3);
  for (const buffer of [step.gate, step.up]) t.is(buffer.length, 5 * 10);
  t.is(step.scores.length, 32 * 16);
  t.is(step.slots.length, 5);
  t.is(step.tables.length, 5 * 4 + 3);
});

test('every thread has scores of its own', (t) => {
  const config = parseModelConfig(DENSE_CONFIG);
  const kernels = { ...createScalarKernels(), threads: 3 };
  const cache = new KvCache(kernels, config, { blockSize: 4, numBlocks: 3 });
  t.is(new Step({ kernels, config, cache, maxRows: 5 }).scores.length, 3 * 32 * 16);
});

test('gate and up have room for the wider of the MLP and the experts', (t) => {
  t.is(createStep(MOE_CONFIG).gate.length, 5 * 11);
  t.is(createStep({ ...MOE_CONFIG, moe_intermediate_size: 6 }).up.length, 5 * 10);
});

test('the buffers of attention share no value with each other, nor do those of an MLP, whichever are wider', (t) => {
  for (const intermediate_size of [10, 100]) {
    const { q, attended, k, v, gate, up } = createStep({ ...DENSE_CONFIG, intermediate_size });
    for (const buffers of [
      [q, attended, k, v],
      [gate, up],
    ]) {
      for (const [i, buffer] of buffers.entries()) buffer.fill(i);
      for (const [i, buffer] of buffers.entries())
        t.true(
          buffer.every((value) => value === i),
          `buffer ${i}`,
        );
    }
  }
});

test('a step counts the rows of its spans and looks up the rotation of each', (t) => {
  const step = createStep();
  step.begin([span(2, 0), span(1, 7), span(2, 3)]);
  t.is(step.rows, 5);
  t.is(step.spans.length, 3);
  const table = new RopeTable(step.config);
  for (const [row, position] of [0, 1, 7, 3, 4].entries()) {
    const cos = new Float32Array(3);
    const sin = new Float32Array(3);
    table.write({ startPosition: position, count: 1, row: 0, cos, sin });
    t.deepEqual(step.cos.slice(3 * row, 3 * row + 3), cos);
    t.deepEqual(step.sin.slice(3 * row, 3 * row + 3), sin);
  }
  step.begin([span(1, 2)]);
  t.is(step.rows, 1);
});

test('a step of more tokens or positions than there is room for is refused, and the step before stays', (t) => {
  const step = createStep();
  step.begin([span(3, 0)]);
  t.throws(() => step.begin([span(3, 0), span(3, 0)]), {
    instanceOf: RangeError,
    message: 'a step has 6 tokens; expected at most 5',
  });
  t.throws(() => step.begin([span(1, 0), span(2, 11)]), {
    instanceOf: RangeError,
    message: 'a span up to position 12 has 3 blocks; expected at least 4',
  });
  t.is(step.rows, 3);
  t.is(step.spans.length, 1);
  t.deepEqual([...step.slots.subarray(0, 3)], [0, 1, 2]);
});

test('each row has the slot of its position in the blocks of its own span', (t) => {
  const step = createStep();
  step.begin([
    { ids: [0, 0], startPosition: 3, blockTable: [2, 0] },
    { ids: [0], startPosition: 9, blockTable: [7, 7, 1] },
  ]);
  // Blocks of four: position 3 is the last of block 2, position 4 the first of block 0, 9 the second of 1.
  t.deepEqual([...step.slots.subarray(0, 3)], [11, 0, 5]);
});

test('spans are grouped as there is room for their block tables', (t) => {
  const step = createStep();
  // Five spans of one row; 23 words, and a span takes four words and one for each of its blocks.
  const blockTables = [[0, 1, 2], [0, 1, 2], [2, 1], [0, 1, 2], [1]];
  const spans = blockTables.map((blockTable, i) => ({ ids: [0], startPosition: i % 3, blockTable }));
  step.begin([{ ...spans[0], ids: [0, 0] }, ...spans.slice(1, 4)]);
  const sequence = (i: number, rows = 1) => ({ rows, startPosition: i % 3, blockTable: blockTables[i] });
  t.deepEqual(step.groups, [
    { sequences: [sequence(0, 2), sequence(1), sequence(2)], begin: 0, end: 4 },
    { sequences: [sequence(3)], begin: 4, end: 5 },
  ]);
  step.begin(spans.slice(2));
  t.deepEqual(step.groups, [{ sequences: [sequence(2), sequence(3), sequence(4)], begin: 0, end: 3 }]);
  step.begin([]);
  t.deepEqual(step.groups, []);
});

test('an observer gets the rows of this step and no more', (t) => {
  const step = createStep();
  const reported: [string, number][] = [];
  step.begin([span(3, 0)], (stage, values) => reported.push([stage, values.length]));
  step.report('a', step.x, 13);
  step.report('b', step.q, 24);
  t.deepEqual(reported, [
    ['a', 39],
    ['b', 72],
  ]);
});

test('an observer is not called in the next step', (t) => {
  const step = createStep();
  step.begin([span(1, 0)], () => t.fail());
  step.begin([span(1, 0)]);
  t.notThrows(() => step.report('a', step.x, 13));
});
