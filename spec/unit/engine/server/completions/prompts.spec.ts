import test from 'ava';
import { ApiError } from '../../../../../engine/server/api-error.ts';
import { parsePrompts } from '../../../../../engine/server/completions/prompts.ts';

test('a prompt is a text, token ids, or an array of either', (t) => {
  t.deepEqual(parsePrompts('a', 9), [{ text: 'a' }]);
  t.deepEqual(parsePrompts([0, 8], 9), [{ ids: [0, 8] }]);
  t.deepEqual(parsePrompts(['a', 'b'], 9), [{ text: 'a' }, { text: 'b' }]);
  t.deepEqual(parsePrompts([[1], 'b', [2]], 9), [{ ids: [1] }, { text: 'b' }, { ids: [2] }]);
  t.is(parsePrompts(Array(1024).fill('a'), 9).length, 1024);
  t.is(parsePrompts(Array(1025).fill(1), 9).length, 1, 'ids of one prompt may be more');
});

const ID = 'a token id, a whole number from 0 to 8';
for (const [prompt, param, expected] of [
  [undefined, 'prompt', 'found undefined; expected a text, token ids, or an array of either'],
  [null, 'prompt', 'found null; expected a text, token ids, or an array of either'],
  [{}, 'prompt', 'found {}; expected a text, token ids, or an array of either'],
  ['', 'prompt', "found ''; expected a text that is not empty"],
  ['a\ud83d', 'prompt', "found 'a\\ud83d'; expected a text without lone surrogates"],
  [[], 'prompt', 'found []; expected at least one token id or prompt'],
  [[[]], 'prompt[0]', 'found []; expected at least one token id'],
  [['a', ''], 'prompt[1]', "found ''; expected a text that is not empty"],
  [[['a']], 'prompt[0][0]', `found 'a'; expected ${ID}`],
  [[1, 9], 'prompt[1]', `found 9; expected ${ID}`],
  [[1, -1], 'prompt[1]', `found -1; expected ${ID}`],
  [[1, 0.5], 'prompt[1]', `found 0.5; expected ${ID}`],
  [[1, 'a'], 'prompt[1]', `found 'a'; expected ${ID}`],
  [[true], 'prompt[0]', 'found true; expected a text, token ids, or an array of either'],
  [
    Array(1025).fill('a'),
    'prompt',
    "found [ 'a', 'a', 'a', 'a', ... 1021 more items ]; expected at most 1024 prompts in a request",
  ],
] as const) {
  test(`refused: ${JSON.stringify(prompt)?.slice(0, 40)}`, (t) => {
    const error = t.throws(() => parsePrompts(prompt, 9), { instanceOf: ApiError });
    t.like(error, { status: 400, param });
    t.is(error?.message, `cannot read ${param}: ${expected}`);
  });
}
