import test from 'ava';
import { judge, type RankStatus } from '../../../../../engine/parallel/fork/stalled-ranks.ts';

const LIMIT = 1000;

const rank = (number: number, rest: Partial<RankStatus> = {}): RankStatus => ({
  rank: number,
  silentMs: 0,
  left: false,
  ...rest,
});
const waits = (peer: number, ms: number, timeoutMs: number | null = LIMIT) => ({
  waited: { peer, ms, timeoutMs },
});

test('a group that computes, or waits for less than the limit, is well', (t) => {
  t.is(judge([rank(0), rank(1, waits(0, 999)), rank(2, { silentMs: 999 })], LIMIT), undefined);
});

test('a wait without a limit is well however long it lasts', (t) => {
  t.is(judge([rank(0), rank(1, waits(0, 1e9, null))], LIMIT), undefined);
});

test('a rank that is not heard of is found out, also if nobody waits for it', (t) => {
  const verdict = judge([rank(0), rank(1, { silentMs: 1000 })], LIMIT);
  t.deepEqual(verdict, { message: 'Rank 1 has given no sign of life for 1.0 s', ranks: [1] });
});

test('not the one that waits is to blame, nor the one in between', (t) => {
  const verdict = judge([rank(0, waits(1, 1200)), rank(1, waits(2, 900)), rank(2), rank(3)], LIMIT);
  t.deepEqual(verdict, { message: 'Rank 2 has not come for 1.2 s, for which rank 0 has waited', ranks: [2] });
});

test('a rank that is late and has not been heard of lately gives no sign of life', (t) => {
  const verdict = judge([rank(0, waits(1, 1000)), rank(1, { silentMs: 600 })], LIMIT);
  t.is(verdict?.message, 'Rank 1 gives no sign of life; rank 0 has waited for it for 1.0 s');
});

test('ranks that wait for each other are all to blame', (t) => {
  const verdict = judge([rank(0, waits(2, 1000)), rank(1, waits(2, 1)), rank(2, waits(1, 1))], LIMIT);
  t.deepEqual(verdict?.ranks, [1, 2]);
  t.regex(verdict?.message ?? '', /^Ranks 2, 1 wait for each other, rank 0 for 1\.0 s/);
});

test('who waits for one that has left waits in vain', (t) => {
  const left = rank(1, { left: true, silentMs: 5000 });
  t.is(judge([rank(0, waits(1, 400)), left], 10_000), undefined);
  t.deepEqual(judge([rank(0, waits(1, 500, null)), left], 10_000), {
    message: 'Rank 1 has left the group while rank 0 waits for it',
    ranks: [1],
  });
});
