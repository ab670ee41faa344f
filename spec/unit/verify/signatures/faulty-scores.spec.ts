import test from 'ava';
import type { Bug } from '../../../../verify/signatures/bug.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { computeFaulty, computeRows } from '../../../support/verify/compute-rows.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const CASES = [
  { id: 'long', ids: [3, 1, 4, 1, 5, 9], promptLength: 4, positions: [0, 2, 5] },
  { id: 'short', ids: [2, 7], promptLength: 1, positions: [0, 1] },
];
const copy = (logits: Float32Array) => logits.slice();

test('a row of another position is taken from there', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const late: Bug = {
    name: 'late',
    title: 'two rows late',
    make: () => ({ rowOf: (position) => Math.max(0, position - 2) }),
  };
  const rows = await computeFaulty(dir, late, CASES, copy);
  const all = await computeRows(
    dir,
    CASES.map((one) => ({ ...one, positions: [...one.ids.keys()] })),
    copy,
  );
  const [long, short] = [all.get('long')!, all.get('short')!];
  t.deepEqual(rows.get('long'), [long[0], long[0], long[3]]);
  t.deepEqual(rows.get('short'), [short[0], short[0]]);
});

test('a bug gets each case’s prompt, the configuration and the gains of norms', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const lengths: number[] = [];
  const bug: Bug = {
    name: 'curious',
    title: 'a bug that looks around',
    make: ({ config, vector, promptLength }) => {
      t.is(config.hiddenSize, 13);
      t.is(vector('model.norm.weight').length, 13);
      t.is(vector('model.norm.weight'), vector('model.norm.weight'));
      return {
        taps: {
          embedded: () => lengths.push(promptLength()),
        },
        row: (row) => row.map(() => 1),
      };
    },
  };
  const rows = await computeFaulty(dir, bug, CASES, copy);
  t.deepEqual(lengths, [4, 1]);
  t.true(rows.get('short')!.every((row) => row.every((value) => value === 1)));
});
