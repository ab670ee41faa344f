import test from 'ava';
import { wantScores } from '../../../../verify/reference/rows.ts';

test('wanted ids of all rows are gathered once each, ascending', (t) => {
  const cases = [
    { id: 'one', ids: [3, 1], promptLength: 1, positions: [0, 1] },
    { id: 'two', ids: [7], promptLength: 1, positions: [0] },
  ];
  const ids = new Map([
    ['one', [Int32Array.of(9, 2), Int32Array.of(2, 100)]],
    ['two', [Int32Array.of(10, 9)]],
  ]);
  t.deepEqual(wantScores(cases, ids), { cases, ids, all: Int32Array.of(2, 9, 10, 100) });
});
