import test from 'ava';
import { DifferenceStats } from '../../../../generator/review/difference-stats.ts';

test('the statistics are the number of differences, those beyond their bounds, the largest and the RMS', (t) => {
  const stats = new DifferenceStats();
  stats.add(1, 4, 3);
  stats.add(-2, 2, 3.9);
  t.deepEqual([stats.count, stats.beyond, stats.largest], [2, 1, 4]);
  t.is(stats.rms, Math.sqrt((9 + 16) / 2));
});

test('a difference as large as its bound is within it', (t) => {
  const stats = new DifferenceStats();
  stats.add(0, 0.5, 0.5);
  stats.add(0.5, 0, 0.5);
  t.is(stats.beyond, 0);
});

test('NaN on either side, or as the bound, is beyond', (t) => {
  for (const [was, is, bound] of [
    [NaN, 1, 9],
    [1, NaN, 9],
    [NaN, NaN, 9],
    [1, 1, NaN],
  ]) {
    const stats = new DifferenceStats();
    stats.add(was, is, bound);
    t.is(stats.beyond, 1, `${was} ${is} ${bound}`);
  }
});

test('no differences have largest and RMS 0', (t) => {
  t.is(new DifferenceStats().rms, 0);
});
