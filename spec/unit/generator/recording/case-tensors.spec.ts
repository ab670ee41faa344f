import test from 'ava';
import { type CaseRows, largest, selectTensors } from '../../../../generator/recording/case-tensors.ts';
import { project } from '../../../../golden/projection.ts';
import { CONFIG, SAMPLED, WHOLE } from './recordings.ts';

const { vocabSize, hiddenSize } = CONFIG;

/** Rows of logits with a unique value for each row and id. */
const row = (r: number) => Float32Array.from({ length: vocabSize }, (_, id) => 4 * Math.sin(r + id * 1.3));
const rows: CaseRows = { float32: [row(0), row(1)] };
const withTruth: CaseRows = { ...rows, float64: rows.float32.map((values) => Float64Array.from(values)) };

test('whole rows of a small vocabulary are stored', (t) => {
  const { tensors } = selectTensors(CONFIG, withTruth, [], WHOLE);
  t.deepEqual(tensors.logits, Float32Array.from([...row(0), ...row(1)]));
  t.deepEqual(tensors.logitsFloat64, Float64Array.from(tensors.logits));
  t.deepEqual(Object.keys(tensors), ['logits', 'logitsFloat64']);
});

test('rows of a large vocabulary are stored as the sample, the largest logits, and two figures of the whole row', (t) => {
  const { tensors } = selectTensors(CONFIG, withTruth, [], SAMPLED);
  const sample = SAMPLED.vocabularySample!;
  for (const r of [0, 1]) {
    const values = Array.from(row(r));
    const ids = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, 20);
    t.deepEqual([...tensors.sampled!.topIds.slice(r * 20, (r + 1) * 20)], ids);
    const stored = [...sample, ...ids].map((id) => values[id]);
    t.deepEqual([...tensors.logits.slice(r * 25, (r + 1) * 25)], stored);
    t.deepEqual([...tensors.logitsFloat64!.slice(r * 25, (r + 1) * 25)], stored);
    t.is(tensors.sampled!.rowMax[r], Math.max(...values.map(Math.abs)));
    const sum = values.reduce((total, value) => total + Math.exp(value), 0);
    t.true(Math.abs(tensors.sampled!.logSumExp[r] - Math.log(sum)) < 1e-12);
  }
  t.is(tensors.logits.length, 50);
});

test('a foreign graph has neither float64 logits nor hidden states, and noise 0', (t) => {
  const { tensors, noise } = selectTensors(CONFIG, rows, [], WHOLE);
  t.deepEqual(Object.keys(tensors), ['logits']);
  t.deepEqual(noise, { logits: 0, probabilities: 0, logitsRms: 0, hiddenStates: [] });
});

test('hidden states are stored stage by stage, whole or projected', (t) => {
  const stage = (s: number) =>
    Float32Array.from({ length: 3 * hiddenSize }, (_, i) => Math.cos(s * 31 + i * 1.1));
  const stages = [0, 1].map((s) => ({ float32: stage(s), float64: Float64Array.from(stage(s)) }));
  const whole = selectTensors(CONFIG, withTruth, stages, WHOLE).tensors.hiddenStates;
  t.deepEqual(whole, Float32Array.from([...stage(0), ...stage(1)]));
  const projected = selectTensors(CONFIG, withTruth, stages, SAMPLED).tensors.hiddenStates;
  const expected = [0, 1].flatMap((s) => [...project(stage(s), hiddenSize, SAMPLED.projections)]);
  t.deepEqual(projected, Float32Array.from(expected));
});

test('noise of logits is the largest difference in any row, as a fraction of that row’s largest magnitude', (t) => {
  const float32 = [Float32Array.of(1, -8, 2), Float32Array.of(0.5, 0.25, 0)];
  const float64 = [Float64Array.of(1, -8, 2.5), Float64Array.of(0.5, 0.25, -0.0625)];
  const { noise } = selectTensors({ ...CONFIG, vocabSize: 3 }, { float32, float64 }, [], WHOLE);
  t.is(noise.logits, 0.0625 / 0.5);
  t.is(noise.logitsRms, Math.sqrt((0.5 ** 2 + 0.0625 ** 2) / 6));
});

test('noise of logits counts all logits, the root mean square only stored ones', (t) => {
  const hiddenId = [...row(0).keys()].find(
    (id) => !SAMPLED.vocabularySample!.includes(id) && !largest(row(0), 20).includes(id),
  )!;
  const off = { ...withTruth, float64: withTruth.float64!.map((values) => values.slice()) };
  off.float64[0][hiddenId] += 1;
  const { noise } = selectTensors(CONFIG, off, [], SAMPLED);
  t.true(noise.logits > 0.2);
  t.is(noise.logitsRms, 0);
});

test('noise of probabilities is the largest difference of a softmax', (t) => {
  const float32 = [Float32Array.of(0, 0)];
  const float64 = [Float64Array.of(0, Math.log(3))];
  const { noise } = selectTensors({ ...CONFIG, vocabSize: 2 }, { float32, float64 }, [], WHOLE);
  t.true(Math.abs(noise.probabilities - 0.25) < 1e-12);
});

test("noise of hidden states is the largest of each stage's rows", (t) => {
  const states = (scale: number) => Float32Array.from({ length: 2 * hiddenSize }, () => scale);
  const exact = { float32: states(2), float64: Float64Array.from(states(2)) };
  const off = { float32: states(4), float64: Float64Array.from(states(4)) };
  off.float32[hiddenSize + 2] += 1;
  t.deepEqual(selectTensors(CONFIG, withTruth, [exact, off], WHOLE).noise.hiddenStates, [0, 1 / 4]);
});

test('a stage of zeros has noise 0', (t) => {
  const zero = { float32: new Float32Array(hiddenSize), float64: new Float64Array(hiddenSize) };
  t.deepEqual(selectTensors(CONFIG, withTruth, [zero], WHOLE).noise.hiddenStates, [0]);
});

test('the largest values are first, and of equal ones the lower id', (t) => {
  t.deepEqual(largest(Float32Array.of(1, 5, 3, 5, -2, 3), 4), [1, 3, 2, 5]);
  t.deepEqual(largest(Float32Array.of(-1, -Infinity, -3), 2), [0, 2]);
  t.deepEqual(largest(Float32Array.of(2, 2, 2), 2), [0, 1]);
});

test('all values are returned if there are fewer than requested', (t) => {
  t.deepEqual(largest(Float32Array.of(1, 2), 5), [1, 0]);
});

test('one pass over many values finds the same as sorting', (t) => {
  const values = Float32Array.from({ length: 5000 }, (_, i) => Math.fround(Math.sin(i * i)));
  const sorted = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
  t.deepEqual(largest(values, 20), sorted.slice(0, 20));
});
