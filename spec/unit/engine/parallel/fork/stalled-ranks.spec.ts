import test from 'ava';
import { findStalledRanks, type RankStatus } from '../../../../../engine/parallel/fork/stalled-ranks.ts';

const LIMIT = 1000;

const rank = (number: number, rest: Partial<RankStatus> = {}): RankStatus => ({
  rank: number,
  silentMs: 0,
  left: false,
  ...rest,
});
const waits = (peer: number, ms: number, timeoutMs: number | null = LIMIT) => ({
  wait: { peer, ms, timeoutMs },
});

test('a group whose ranks compute or wait for less than the limit is not stalled', (t) => {
  t.is(findStalledRanks([rank(0), rank(1, waits(0, 999)), rank(2, { silentMs: 999 })], LIMIT), undefined);
});

test('a wait without a limit never stalls a group', (t) => {
  t.is(findStalledRanks([rank(0), rank(1, waits(0, 1e9, null))], LIMIT), undefined);
});

test('a silent rank is at fault even if no rank waits for it', (t) => {
  const failure = findStalledRanks([rank(0), rank(1, { silentMs: 1000 })], LIMIT);
  t.deepEqual(failure, { message: 'Rank 1 has given no sign of life for 1.0 s', ranks: [1] });
});

test('a rank that has left gives no sign of life, and is not at fault for it', (t) => {
  t.is(findStalledRanks([rank(0), rank(1, { silentMs: 1e9, left: true })], LIMIT), undefined);
});

test('the last rank of a chain of waits is at fault, not the ranks that wait', (t) => {
  const failure = findStalledRanks(
    [rank(0, waits(1, 1200)), rank(1, waits(2, 900)), rank(2), rank(3)],
    LIMIT,
  );
  t.deepEqual(failure, { message: 'Rank 2 has not come for 1.2 s, for which rank 0 has waited', ranks: [2] });
});

test('a late rank that has been silent for half the limit gives no sign of life', (t) => {
  const silentFor = (silentMs: number) =>
    findStalledRanks([rank(0, waits(1, 1000)), rank(1, { silentMs })], LIMIT);
  const message = 'Rank 1 gives no sign of life; rank 0 has waited for it for 1.0 s';
  t.deepEqual(silentFor(500), { message, ranks: [1] });
  t.is(silentFor(499)?.message, 'Rank 1 has not come for 1.0 s, for which rank 0 has waited');
});

test('ranks that wait for each other are all at fault', (t) => {
  const failure = findStalledRanks(
    [rank(0, waits(2, 1000)), rank(1, waits(2, 1)), rank(2, waits(1, 1))],
    LIMIT,
  );
  t.deepEqual(failure, {
    message: 'Ranks 2, 1 wait for each other, rank 0 for 1.0 s: every rank must make the same calls',
    ranks: [1, 2],
  });
});

test('a rank that has left is at fault if another still waits for it', (t) => {
  const left = rank(1, { left: true, silentMs: 5000 });
  t.is(findStalledRanks([rank(0, waits(1, 499)), left], 10_000), undefined);
  t.deepEqual(findStalledRanks([rank(0, waits(1, 500, null)), left], 10_000), {
    message: 'Rank 1 has left the group while rank 0 waits for it',
    ranks: [1],
  });
});
