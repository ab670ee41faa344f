import test from 'ava';
import type { ScoredRow } from '../../../../../verify/adapters/http/dialect.ts';
import { readRow } from '../../../../../verify/adapters/http/rows.ts';
import { TokenText } from '../../../../../verify/adapters/http/token-text.ts';
import { SubjectError } from '../../../../../verify/errors.ts';

const OPTIONS = { asked: 'forward: position 2 of 3', top: 3, vocabSize: 10 };
const row = (...entries: [id: number, logprob: number][]): ScoredRow =>
  entries.map(([id, logprob]) => ({ id, logprob }));

test('a row is its likeliest tokens in descending order, without the one that the server adds', (t) => {
  const read = readRow(row([9, -8], [4, -2], [5, -1], [6, -1.5]), OPTIONS);
  t.deepEqual(read, {
    scores: { ids: Int32Array.of(5, 6, 4), values: Float32Array.of(-1, -1.5, -2) },
    dropped: 0,
  });
});

test("a floor in place of minus infinity is left out: vLLM's and llama-server's", (t) => {
  const read = readRow(row([4, 0], [5, -9999], [6, -3.4028234663852886e38]), OPTIONS);
  t.deepEqual(read, { scores: { ids: Int32Array.of(4), values: Float32Array.of(0) }, dropped: 2 });
});

test('a row ends before the first token whose text has no unique id', (t) => {
  const text = new TokenText({
    encode: (token) => (token === 'ab' ? [1, 2] : [token.charCodeAt(0) - 97]),
    decode: () => '',
    vocabSize: 26,
    bytesOf: (id) => Buffer.of(id + 97),
  });
  const entries = (...tokens: string[]) => tokens.map((token, i) => ({ text: token, logprob: -1 - i }));
  t.deepEqual(readRow(entries('c', 'd', 'ab', 'e'), { ...OPTIONS, text }), {
    scores: { ids: Int32Array.of(2, 3), values: Float32Array.of(-1, -2) },
    dropped: 1,
  });
  t.deepEqual(readRow(entries('\ufffd', 'c', 'd'), { ...OPTIONS, text }), { dropped: 3 });
  t.deepEqual(readRow(entries('c', 'ab', 'd'), { ...OPTIONS, text }), { dropped: 3 }, 'one says nothing');
  t.deepEqual(readRow(entries('c'), OPTIONS), { dropped: 1 }, 'without a tokenizer');
});

test('nonsense in a row is refused with what was found and expected', (t) => {
  for (const [nonsense, message] of [
    [[], /found an empty row of log-probabilities; expected up to 3 tokens$/],
    [row([1, -9], [2, -9], [3, -9], [4, -9], [5, -9]), /found a row of 5 tokens; expected at most 4$/],
    [
      row([1, 0.5]),
      /found the log-probability 0.5 in {"id":1,"logprob":0.5}; expected a number of 0 or less$/,
    ],
    [row([1, Number.NaN]), /found the log-probability NaN/],
    [row([1, Number.NEGATIVE_INFINITY]), /found the log-probability -Infinity/],
    [row([1, -0.1], [2, -0.1]), /whose probabilities sum to 1.8097; expected a sum of 1 at most$/],
    [row([10, -1]), /found token 10; expected ids from 0 to 9$/],
    [row([1, -1], [1, -2]), /found token 1 twice in a row; expected each token once$/],
  ] as const) {
    const error = t.throws(() => readRow(nonsense, OPTIONS), { instanceOf: SubjectError, message });
    t.true(error.message.startsWith(OPTIONS.asked), error.message);
  }
});
