import test from 'ava';
import { parseModelConfig } from '../../../../engine/config.ts';
import { FIXTURES } from '../../../../generator/fixtures/fixture-specs.ts';
import { selectionFor, selectPositions } from '../../../../generator/recording/selection.ts';

const config = parseModelConfig(FIXTURES.dense.config);
const wide = parseModelConfig(FIXTURES['dense-bf16'].config);

const isAscending = (values: readonly number[]) => values.every((v, i) => i === 0 || v > values[i - 1]);

test('all numbers of a small model are stored', (t) => {
  t.deepEqual(selectionFor(config), { maxPositions: 24 });
  t.deepEqual(selectionFor({ ...config, vocabSize: 1024, hiddenSize: 256 }), { maxPositions: 24 });
});

test('of a large vocabulary, 128 ids from all of its range are stored, and fewer positions', (t) => {
  for (const vocabSize of [1025, 151936]) {
    const { vocabularySample, maxPositions, projections } = selectionFor({ ...config, vocabSize });
    t.is(vocabularySample!.length, 128);
    t.true(isAscending(vocabularySample!));
    t.true(vocabularySample![0] >= 0 && vocabularySample![0] < vocabSize / 10);
    t.true(vocabularySample![127] < vocabSize && vocabularySample![127] > vocabSize * 0.9);
    t.is(maxPositions, 8);
    t.is(projections, undefined);
  }
});

test('wide hidden states are stored as projections, and twice as many ids of a large vocabulary', (t) => {
  const { projections } = selectionFor({ ...config, hiddenSize: 257 });
  t.deepEqual(projections, { seed: 'projections', count: 16 });
  t.is(selectionFor({ ...wide, hiddenSize: 257 }).vocabularySample!.length, 256);
  t.is(selectionFor({ ...wide, hiddenSize: 256 }).vocabularySample!.length, 128);
});

test('a selection is deterministic', (t) => {
  t.deepEqual(selectionFor(wide), selectionFor(wide));
});

test('all positions of a short prompt are stored', (t) => {
  for (const length of [1, 2, 24]) {
    t.deepEqual(selectPositions(length, config, { maxPositions: 24 }), [...Array(length).keys()]);
  }
});

test('of a longer prompt, the first, the last and some between are stored, ascending', (t) => {
  for (const length of [25, 26, 75, 1024]) {
    const positions = selectPositions(length, config, { maxPositions: 24 });
    t.is(positions.length, 24);
    t.true(isAscending(positions));
    t.deepEqual([positions[0], positions[23]], [0, length - 1]);
    t.deepEqual(selectPositions(length, config, { maxPositions: 24 }), positions);
  }
});

test('if the logits of all positions would take too much memory, the last ones are stored', (t) => {
  const tooLong = Math.floor(2 ** 24 / wide.vocabSize) + 1;
  const last = [...Array(8).keys()].map((i) => tooLong - 8 + i);
  t.deepEqual(selectPositions(tooLong, wide, { maxPositions: 8 }), last);
  t.is(selectPositions(tooLong - 1, wide, { maxPositions: 8 })[0], 0);
});
