import test from 'ava';
import { project } from '../../../../golden/projection.ts';
import { ComparisonError } from '../../../../golden/tolerance.ts';
import { compareHiddenStates } from '../../../../verify/compare/hidden-states.ts';

const SIZES = { hiddenSize: 4, numHiddenLayers: 1 };
const LENGTH = 3;
const POSITIONS = [0, 2];
const NOISE = [0, 1e-6, 1e-3];
const hidden = Float32Array.from({ length: 3 * LENGTH * 4 }, (_, i) => Math.cos(i));

/** What a golden stores of the states at two of three positions, in three stages. */
const stored = Float32Array.from(
  [0, 1, 2].flatMap((stage) =>
    POSITIONS.flatMap((position) =>
      Array.from(hidden.subarray((stage * LENGTH + position) * 4).subarray(0, 4)),
    ),
  ),
);
const expected = { values: stored, positions: POSITIONS, noise: NOISE };
const at = (stage: number, position: number, d: number) => (stage * LENGTH + position) * 4 + d;
const compare = (...changes: [index: number, by: number][]) => {
  const changed = hidden.slice();
  for (const [index, by] of changes) changed[index] += by;
  return compareHiddenStates(changed, LENGTH, expected, SIZES).map((d) => [d.what, d.position, d.index]);
};

test('the stored states themselves have no difference', (t) => {
  t.deepEqual(compare(), []);
});

test('a difference is named by stage, position and dimension; stages after the first with one are not', (t) => {
  t.deepEqual(compare([at(0, 2, 3), 1e-3]), [['hidden_states.0', 2, 3]]);
  t.deepEqual(compare([at(1, 0, 1), 1e-3], [at(1, 2, 2), 1e-3], [at(2, 0, 0), 1]), [
    ['hidden_states.1', 0, 1],
    ['hidden_states.1', 2, 2],
  ]);
  t.deepEqual(compare([at(2, 2, 0), 0.5]), [['hidden_states.final', 2, 0]]);
});

test('five differences of a stage are listed', (t) => {
  const length = 7;
  const long = Float32Array.from({ length: 3 * length * 4 }, (_, i) => Math.cos(i));
  const positions = Array.from({ length }, (_, i) => i);
  const golden = { values: long.map((value) => value + 1), positions, noise: NOISE };
  t.deepEqual(
    compareHiddenStates(long, length, golden, SIZES).map(({ position }) => position),
    [0, 1, 2, 3, 4],
  );
});

test('each stage has the tolerance of its own noise, and positions that are not stored have none', (t) => {
  t.deepEqual(compare([at(2, 0, 0), 1e-3]), [], 'four times 1e-3 of a maximum of about 1');
  t.is(compare([at(1, 0, 0), 1e-3]).length, 1);
  t.deepEqual(compare([at(0, 1, 0), 1]), []);
});

test('states that are stored as projections are compared as projections', (t) => {
  const projections = { seed: 'some', count: 2 };
  const values = Float32Array.from(project(stored, 4, projections));
  const projected = { ...expected, values, projections };
  t.deepEqual(compareHiddenStates(hidden, LENGTH, projected, SIZES), []);
  const changed = hidden.with(at(1, 2, 3), 5);
  t.is(compareHiddenStates(changed, LENGTH, projected, SIZES)[0].what, 'hidden_states.1');
});

test('stored states of another length are an error of the golden', (t) => {
  const short = { ...expected, values: stored.slice(1) };
  t.throws(() => compareHiddenStates(hidden, LENGTH, short, SIZES), { instanceOf: ComparisonError });
});
