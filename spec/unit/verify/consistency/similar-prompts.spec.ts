import test from 'ava';
import { similarPrompts } from '../../../../verify/consistency/similar-prompts.ts';

const caseOf = (length: number) => {
  const promptIds = Array.from({ length }, (_, i) => 100 + i);
  return { case: { id: `of-${length}`, promptIds, greedy: [], positions: [] } };
};

/** Where two lists differ. */
const places = (a: readonly number[], b: readonly number[]) =>
  a.flatMap((value, i) => (value === b[i] ? [] : [i]));

test('a similar prompt differs in one token, around the end of a block or before the last token', (t) => {
  const prompts = similarPrompts([caseOf(40), caseOf(8), caseOf(3)]);
  t.deepEqual(
    prompts.map(({ id, promptIds, ids }) => [id, places(promptIds, ids)]),
    [...[15, 16, 17].map((place) => ['of-40', [place]]), ...[4, 5, 6].map((place) => ['of-8', [place]])],
  );
  for (const { promptIds, ids } of prompts) t.true(ids.every((token) => promptIds.includes(token)));
});

test('a prompt has room for three places between its first token and its last', (t) => {
  t.deepEqual(similarPrompts([caseOf(4)]), []);
  const prompts = similarPrompts([caseOf(5)]);
  t.deepEqual(
    prompts.map(({ promptIds, ids }) => places(promptIds, ids)),
    [[1], [2], [3]],
  );
});

test('the longest prompts are taken, and none that repeats one token', (t) => {
  const alike = { case: { id: 'alike', promptIds: Array(50).fill(7), greedy: [], positions: [] } };
  const ids = similarPrompts([alike, ...[10, 11, 12, 13, 14].map(caseOf)]).map(({ id }) => id);
  t.deepEqual([...new Set(ids)], ['of-14', 'of-13', 'of-12', 'of-11']);
});
