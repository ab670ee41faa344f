import test from 'ava';
import { PromptError } from '../../../engine/errors.ts';
import { idsOfPrompt, isIdPrompt } from '../../../golden/id-prompts.ts';

const named = { id: 'made-up', category: 'edge' } as const;

test('an id below zero counts from the end of the vocabulary, and both ends are in it', (t) => {
  t.deepEqual(idsOfPrompt({ ...named, ids: [0, 9, -1, -10] }, 10), [0, 9, 9, 0]);
  for (const id of [10, -11]) {
    t.throws(() => idsOfPrompt({ ...named, ids: [1, id] }, 10), {
      instanceOf: PromptError,
      message: `prompt "made-up": id ${id} is outside the vocabulary; expected -10 to 9`,
    });
  }
});

test('seeded ids are the same for the same seed, and are of the whole vocabulary', (t) => {
  const idsOf = (seed: string) => idsOfPrompt({ ...named, seededIds: { seed, length: 200 } }, 5);
  t.deepEqual(idsOf('a'), idsOf('a'));
  t.notDeepEqual(idsOf('a'), idsOf('b'));
  t.deepEqual([...new Set(idsOf('a'))].sort(), [0, 1, 2, 3, 4]);
  t.is(idsOf('a').length, 200);
});

test('a model without a tokenizer can be given ids, and no texts', (t) => {
  t.true(isIdPrompt({ ...named, ids: [1] }));
  t.true(isIdPrompt({ ...named, seededIds: { seed: 'a', length: 1 } }));
  t.false(isIdPrompt({ ...named, text: 'a' }));
  t.false(isIdPrompt({ ...named, messages: [] }));
});
