import test from 'ava';
import { computeTruth } from '../../../../verify/reference/reference.ts';
import { BUGS } from '../../../../verify/signatures/bugs.ts';
import { COVERED, computeSignatures } from '../../../../verify/signatures/compute.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

test('a signature is the change of the likeliest ids, less the mean of the row', async (t) => {
  const dir = modelDirectory(t, denseModel({ vocab_size: 40 }));
  const cases = [{ id: 'one', ids: [3, 1, 4, 1, 5], promptLength: 3, positions: [1, 4] }];
  const truth = await computeTruth(dir, cases);
  const bugs = BUGS.filter(({ name }) => name === 'logits-constant' || name === 'positions-from-1');
  const told: string[] = [];
  const [same, constant] = await computeSignatures(dir, truth, {
    bugs,
    onProgress: (name) => told.push(name),
  });
  t.deepEqual(told, ['positions-from-1 (1 of 2 bugs)', 'logits-constant (2 of 2 bugs)']);
  for (const [r, row] of constant.cases.get('one')!.entries()) {
    const right = truth[0].rows[r].truth.subarray(0, COVERED);
    const mean = right.reduce((sum, x) => sum + x, 0) / COVERED;
    t.is(row.length, COVERED);
    for (const [i, value] of row.entries()) t.true(Math.abs(value - (mean - right[i])) < 1e-6);
  }
  for (const row of same.cases.get('one')!) for (const value of row) t.true(Math.abs(value) < 1e-5);
});
