import test from 'ava';
import { decodeScores } from '../../../../../verify/adapters/command/decode-scores.ts';
import { SubjectError } from '../../../../../verify/errors.ts';
import { encodeArray } from '../../../../support/adapters/encode-array.ts';

const values = encodeArray(Float32Array.of(-1, -2, -3, -4, -5, 0.001), [2, 3]);
const ids = encodeArray(Int32Array.of(9, 8, 7, 6, 5, 4), [2, 3]);

test('rows over the vocabulary, and rows of the likeliest tokens, are cut out of their arrays', (t) => {
  t.deepEqual(decodeScores('x', { values }, { rows: 2, values: 'logits', kind: 'all' }), [
    { values: Float32Array.of(-1, -2, -3) },
    { values: Float32Array.of(-4, -5, 0.001) },
  ]);
  const top = { rows: 2, values: 'log-probabilities', kind: 'top' } as const;
  t.deepEqual(decodeScores('x', { ids, values }, top), [
    { ids: Int32Array.of(9, 8, 7), values: Float32Array.of(-1, -2, -3) },
    { ids: Int32Array.of(6, 5, 4), values: Float32Array.of(-4, -5, 0.001) },
  ]);
});

test('scores that are not of the kind that was announced are refused', (t) => {
  const all = { rows: 2, values: 'logits', kind: 'all' } as const;
  const positive = encodeArray(Float32Array.of(-1, -2, -3, -4, 1.5, -6), [2, 3]);
  for (const [scores, expected, message] of [
    [
      { ids, values },
      all,
      'x: ids beside the values; the engine said at the start that its scores are "all"',
    ],
    [
      { values },
      { ...all, kind: 'top' },
      'x: values without ids; the engine said at the start that its scores are "top"',
    ],
    [{ values }, { ...all, rows: 3 }, 'x.values has the shape [2, 3]; expected [3, vocabulary]'],
    [
      { ids: encodeArray(Int32Array.of(1, 2), [2, 1]), values },
      { ...all, kind: 'top' },
      'x.ids has the shape [2, 1]; expected [2, 3]',
    ],
    [
      { values: positive },
      { ...all, values: 'log-probabilities' },
      'x.values: row 1 has 1.5; expected log-probabilities, at most 0, as the engine said at the start',
    ],
  ] as const) {
    t.throws(() => decodeScores('x', scores, expected), { instanceOf: SubjectError, message });
  }
});
