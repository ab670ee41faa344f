import test from 'ava';
import { findLateToSpeak } from '../../../../../engine/parallel/fork/late-to-speak.ts';

const none = () => undefined;
const short = () => 'too few threads';
const mute = (silentMs: number, stoppedMs = 0) => [
  { rank: 1, silentMs: 0, stoppedMs: 0 },
  { rank: 2, silentMs, stoppedMs },
];
const found = (what: string) => ({ message: `Rank 2 ${what}`, ranks: [2] });

test('a rank that starts slowly has 20 s for its first message, whatever the time limit is', (t) => {
  t.is(findLateToSpeak(mute(19_999), 100, none), undefined);
  t.deepEqual(
    findLateToSpeak(mute(20_000), 100, none),
    found('has given no sign of life for 20.0 s while the group started'),
  );
});

test('a longer time limit is the limit of the first message too', (t) => {
  t.is(findLateToSpeak(mute(59_999), 60_000, none), undefined);
  t.deepEqual(
    findLateToSpeak(mute(60_000), 60_000, none),
    found('has given no sign of life for 60.0 s while the group started'),
  );
});

test('a rank that is stopped while it starts is found within the time limit', (t) => {
  t.is(findLateToSpeak(mute(5000, 299), 300, none), undefined);
  t.deepEqual(
    findLateToSpeak(mute(400, 300), 300, none),
    found('is stopped, and has given no sign of life for 0.4 s while the group started'),
  );
});

test('a rank that is silent for the time limit is reported with the shortage that keeps it from starting', (t) => {
  t.is(findLateToSpeak(mute(299), 300, short), undefined);
  t.deepEqual(
    findLateToSpeak(mute(300), 300, short),
    found('has given no sign of life for 0.3 s while the group started: too few threads'),
  );
});

test('without a mute rank no shortage is looked for', (t) => {
  const ask = () => t.fail() as never;
  t.is(findLateToSpeak([], 300, ask), undefined);
  t.is(findLateToSpeak(mute(200), 300, ask), undefined);
});
