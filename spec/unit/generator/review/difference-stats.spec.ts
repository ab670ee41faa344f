import test from 'ava';
import { DifferenceStats } from '../../../../generator/review/difference-stats.ts';

test('the statistics are the number of differences, those beyond their bounds, the largest and the RMS', (t) => {
  const tally = new DifferenceStats();
  tally.add(1, 4, 3);
  tally.add(-2, 2, 3.9);
  t.deepEqual([tally.count, tally.beyond, tally.largest], [2, 1, 4]);
  t.is(tally.rms, Math.sqrt((9 + 16) / 2));
});

test('a difference as large as its bound is within it', (t) => {
  const tally = new DifferenceStats();
  tally.add(0, 0.5, 0.5);
  tally.add(0.5, 0, 0.5);
  t.is(tally.beyond, 0);
});

test('NaN on either side, or as the bound, is beyond', (t) => {
  for (const [was, is, bound] of [
    [NaN, 1, 9],
    [1, NaN, 9],
    [NaN, NaN, 9],
    [1, 1, NaN],
  ]) {
    const tally = new DifferenceStats();
    tally.add(was, is, bound);
    t.is(tally.beyond, 1, `${was} ${is} ${bound}`);
  }
});

test('no differences have largest and RMS 0', (t) => {
  t.is(new DifferenceStats().rms, 0);
});
