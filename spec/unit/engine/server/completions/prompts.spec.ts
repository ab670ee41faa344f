import test from 'ava';
import { ApiError } from '../../../../../engine/server/api-error.ts';
import { parsePrompts } from '../../../../../engine/server/completions/prompts.ts';

test('a prompt is a text, token ids, or an array of either', (t) => {
  t.deepEqual(parsePrompts('a', 9), [{ text: 'a' }]);
  t.deepEqual(parsePrompts([0, 8], 9), [{ ids: [0, 8] }]);
  t.deepEqual(parsePrompts(['a', 'b'], 9), [{ text: 'a' }, { text: 'b' }]);
  t.deepEqual(parsePrompts([[1], 'b', [2]], 9), [{ ids: [1] }, { text: 'b' }, { ids: [2] }]);
});

for (const [prompt, param, expected] of [
  [undefined, 'prompt', 'found undefined; expected a text, token ids, or an array of either'],
  [null, 'prompt', 'a text, token ids'],
  [{}, 'prompt', 'a text, token ids'],
  ['', 'prompt', 'a text that is not empty'],
  ['a\ud83d', 'prompt', 'without lone surrogates'],
  [[], 'prompt', 'at least one token id or prompt'],
  [[[]], 'prompt[0]', 'at least one token id'],
  [['a', ''], 'prompt[1]', 'not empty'],
  [[['a']], 'prompt[0][0]', "found 'a'; expected a token id, a whole number from 0 to 8"],
  [[1, 9], 'prompt[1]', 'found 9; expected a token id'],
  [[1, -1], 'prompt[1]', 'a token id'],
  [[1, 0.5], 'prompt[1]', 'a token id'],
  [[1, 'a'], 'prompt[1]', 'a token id'],
  [[true], 'prompt[0]', 'a text, token ids'],
  [Array(1025).fill('a'), 'prompt', 'at most 1024 prompts'],
] as const) {
  test(`refused: ${JSON.stringify(prompt)?.slice(0, 40)}`, (t) => {
    const error = t.throws(() => parsePrompts(prompt, 9), { instanceOf: ApiError });
    t.like(error, { status: 400, param });
    t.true(error?.message.startsWith(`cannot read ${param}: found `), error?.message);
    t.true(error?.message.includes(expected), error?.message);
  });
}
