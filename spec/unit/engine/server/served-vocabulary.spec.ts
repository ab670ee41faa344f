import test from 'ava';
import { createVocabulary } from '../../../../engine/server/served-vocabulary.ts';
import { vocabularyOf } from '../../../../engine/text/vocabulary.ts';

const TOKENS = [
  Buffer.from('a'),
  Buffer.from([]),
  Buffer.from('é').subarray(0, 1),
  Buffer.from('\uFEFF<|end|>'),
];
const tokenizer = {
  vocabSize: TOKENS.length,
  bytesOf: (id: number) => TOKENS[id],
  isSpecial: (id: number) => id === 3,
};

test('a vocabulary has text and bytes of each token, also of those that are no characters', (t) => {
  const { textOf, bytesOf, isSpecial } = createVocabulary(structuredClone(vocabularyOf(tokenizer)));
  for (const [id, token] of TOKENS.entries()) t.deepEqual(Buffer.from(bytesOf(id)), token);
  t.deepEqual([0, 1, 2, 3].map(textOf), ['a', '', '\uFFFD', '\uFEFF<|end|>']);
  t.deepEqual([0, 1, 2, 3].map(isSpecial), [false, false, false, true]);
});

test('an id without a token has no text, and without a tokenizer its number', (t) => {
  const known = createVocabulary(vocabularyOf(tokenizer));
  t.deepEqual([known.textOf(4), known.bytesOf(4).length, known.isSpecial(4)], ['', 0, false]);
  const unknown = createVocabulary(undefined);
  t.deepEqual([unknown.textOf(7), unknown.bytesOf(7).length], ['token_id:7', 0]);
});
