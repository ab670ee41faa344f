import test from 'ava';
import { allRows, checkGenerated, checkHidden, checkRows } from '../../../../verify/compare/answers.ts';
import { NotSupportedError, SubjectError } from '../../../../verify/errors.ts';
import type { TokenScores } from '../../../../verify/subject.ts';

const ASKED = 'forward of "ids-short"';
const SIZES = { count: 2, vocabSize: 3 };
const whole: TokenScores = { values: Float32Array.of(1, 2, 3) };
const top: TokenScores = { ids: Int32Array.of(2, 0), values: Float32Array.of(3, 1) };

test('rows over the whole vocabulary and rows of some tokens are accepted', (t) => {
  t.notThrows(() => checkRows(ASKED, [whole, top], SIZES));
});

const bad: [what: string, rows: unknown, message: string][] = [
  ['too few', [whole], '1 rows; expected 2'],
  ['missing', undefined, 'no rows; expected 2'],
  ['short', [whole, { values: Float32Array.of(1) }], '1 values; expected 3'],
  ['without values', [{}, whole], 'no values; expected 3'],
  [
    'empty',
    [{ ids: new Int32Array(), values: new Float32Array() }, whole],
    'no values; expected at least one',
  ],
  [
    'NaN',
    [whole, { values: Float32Array.of(1, Number.NaN, 3) }],
    'the value at index 1 is NaN; expected a finite',
  ],
  ['of another length than their ids', [{ ...top, ids: Int32Array.of(1) }, top], '2 values; expected 1'],
  [
    'of a token outside the vocabulary',
    [{ ...top, ids: Int32Array.of(0, 3) }, top],
    'token 3 at index 1; expected 0 to 2',
  ],
  ['of a token twice', [top, { ...top, ids: Int32Array.of(1, 1) }], 'has a token twice'],
];
for (const [what, rows, message] of bad) {
  test(`rows that are ${what} are refused with what was asked, what came and what was expected`, (t) => {
    const error = t.throws(() => checkRows(ASKED, rows as TokenScores[], SIZES), {
      instanceOf: SubjectError,
    });
    t.true(error.message.startsWith(ASKED) && error.message.includes(message), error.message);
  });
}

test('hidden states of another length or with an infinity are refused', (t) => {
  t.notThrows(() => checkHidden(ASKED, Float32Array.of(1, 2), 2));
  t.throws(() => checkHidden(ASKED, Float32Array.of(1), 2), {
    message: `${ASKED}: 1 hidden states; expected 2`,
  });
  t.throws(() => checkHidden(ASKED, Float32Array.of(1, -Infinity), 2), {
    instanceOf: SubjectError,
    message: `${ASKED}: hidden states: the value at index 1 is -Infinity; expected a finite number`,
  });
});

test('generated tokens are as many as asked for, and of the vocabulary', (t) => {
  t.notThrows(() => checkGenerated('generate', [0, 2], SIZES));
  for (const tokens of [[0], [0, 3], [0, -1], [0, 0.5], [0, Number.NaN]]) {
    t.throws(() => checkGenerated('generate', tokens, SIZES), { instanceOf: SubjectError }, String(tokens));
  }
});

test('an answer that lacks a row is refused where all are needed, with the reason', (t) => {
  const rows = [{ values: Float32Array.of(1, 2) }];
  t.deepEqual(allRows({ rows }), { rows });
  t.throws(() => allRows({ rows, unreached: [{ position: 1, why: 'no text encodes to these ids' }] }), {
    instanceOf: NotSupportedError,
    message: 'no text encodes to these ids',
  });
});
