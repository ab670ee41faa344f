import test from 'ava';
import { changeOf, continuationChange, tokenChange } from '../../../../verify/consistency/change.ts';

const row = (...values: number[]) => ({ values: Float32Array.from(values) });
const top = (ids: number[], values: number[]) => ({
  ids: Int32Array.from(ids),
  values: Float32Array.from(values),
});

test('equal values are equal bits, also of views into larger arrays', (t) => {
  const view = { values: Float32Array.of(9, 1, 2).subarray(1) };
  t.deepEqual(changeOf([row(1, 2)], [view], [7]), { equalBits: true, largest: 0 });
});

test('a change has its size and the position where it begins', (t) => {
  const change = changeOf([row(1, 2), row(1, 2), row(1, 2)], [row(1, 2), row(1, 2.5), row(4, 2)], [3, 5, 8]);
  t.deepEqual(change, { equalBits: false, largest: 3, position: 5 });
  const falling = changeOf([row(1, 2), row(1, 2)], [row(4, 2), row(1, 2.5)], [3, 5]);
  t.deepEqual(falling, { equalBits: false, largest: 3, position: 3 });
});

test('a token that one row lacks has changed by what it is above the least of that row, in both directions', (t) => {
  const [one, other] = [top([1, 2], [-1, -3]), top([1, 3], [-1, -4])];
  for (const [a, b] of [
    [one, other],
    [other, one],
  ]) {
    t.deepEqual(changeOf([a], [b], [0]), { equalBits: false, largest: 1, position: 0 });
  }
});

test('continuations are compared by their tokens, and by rows up to the first token that differs', (t) => {
  const rows = [row(0, 1, 0), row(0, 0, 2), row(0, 0, 3)];
  const a = { tokens: [1, 2, 2], scores: rows };
  const moved = (at: number, by: number) =>
    rows.map((each, i) => (i === at ? row(...each.values.map((value) => value + by)) : each));
  const to = (tokens: number[], scores?: typeof rows) => continuationChange(a, { tokens, scores }, 10);
  const none = { equalBits: true, largest: 0 };
  t.deepEqual(to([1, 2, 2], rows), none);
  t.deepEqual(to([1, 2, 2]), none, 'without rows');
  // The row that the first token is chosen from is that of the prompt's last position.
  t.deepEqual(to([1, 2, 2], moved(0, 0.5)), { equalBits: false, largest: 0.5, position: 9 });
  t.deepEqual(to([1, 2, 2], moved(2, 0.5)), { equalBits: false, largest: 0.5, position: 11 });
  const parted = { equalBits: false, largest: 2, position: 11 };
  t.deepEqual(to([1, 0, 2], rows), parted);
  t.deepEqual(to([1, 0, 2], moved(2, 9)), parted, 'later rows are of another text');
  t.deepEqual(to([1, 0, 2], moved(1, 9)), { equalBits: false, largest: 9, position: 10 });
  t.deepEqual(to([1, 0, 2], moved(0, 0.5)), { equalBits: false, largest: 2, position: 9 });
  t.deepEqual(to([1, 0, 2], moved(0, 0.5).slice(0, 1)), parted, 'too few rows');
});

test('zeros of another sign are other bits', (t) => {
  t.deepEqual(changeOf([row(0)], [row(-0)], [0]), { equalBits: false, largest: 0, position: 0 });
});

test('likeliest tokens are compared by token, not by place', (t) => {
  const change = changeOf([top([4, 9], [-1, -2])], [top([9, 4], [-2, -1.25])], [0]);
  t.deepEqual(change, { equalBits: false, largest: 0.25, position: 0 });
  t.true(changeOf([top([4], [-1])], [top([4], [-1])], [0]).equalBits);
  t.false(changeOf([top([4], [-1])], [top([5], [-1])], [0]).equalBits);
});

test('tokens part at the first that differs, or where one answer ends', (t) => {
  t.deepEqual(tokenChange([1, 2, 3], [1, 2, 3], 10), { equalBits: true, largest: 0 });
  t.deepEqual(tokenChange([1, 2, 3], [1, 9, 3], 10), { equalBits: false, largest: Infinity, position: 11 });
  t.deepEqual(tokenChange([1, 2], [1], 10), { equalBits: false, largest: Infinity, position: 11 });
  t.deepEqual(tokenChange([1], [1, 2], 10), { equalBits: false, largest: Infinity, position: 11 });
  t.deepEqual(tokenChange([], [1], 10), { equalBits: false, largest: Infinity, position: 10 });
});

test('with scores the change of a token is what it lacks', (t) => {
  const scores = [row(0, 0, 5), top([1, 2], [-0.5, -0.75])];
  t.is(tokenChange([2, 1], [2, 2], 0, scores).largest, 0.25);
  t.is(tokenChange([2, 2], [2, 1], 0, scores).largest, 0.25, 'also of one that was not the likeliest');
  t.is(tokenChange([2, 1], [2, 0], 0, scores).largest, Infinity, 'a token that the row does not show');
});
