import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { qwen3Tokenizer, referenceTokenizer } from '../support/models/tokenizer.ts';

const SEED = 20261122;
/** Rows of Qwen3's embedding; the tokenizer knows the first 151,669. */
const MODEL_VOCAB_SIZE = 151_936;

/** Any ids that the model can generate; single bytes, added tokens and padding are over-represented. */
const ids = fc.array(
  fc.oneof(
    fc.nat(MODEL_VOCAB_SIZE - 1),
    { weight: 3, arbitrary: fc.nat(255) },
    fc.integer({ min: 151_643, max: 151_668 }),
    fc.integer({ min: 151_669, max: MODEL_VOCAB_SIZE - 1 }),
  ),
  { minLength: 1, maxLength: 16 },
);

test('the pieces of a stream over any ids are the text that transformers.js decodes at once', async (t) => {
  const [ours, reference] = await Promise.all([qwen3Tokenizer(), referenceTokenizer()]);
  t.notThrows(() =>
    fc.assert(
      fc.property(ids, fc.boolean(), (ids, skipSpecialTokens) => {
        const whole = reference.decode(ids, { skip_special_tokens: skipSpecialTokens });
        const stream = ours.createStream({ skipSpecialTokens });
        assert.equal(ids.map((id) => stream.push(id)).join('') + stream.end(), whole);
        assert.equal(ours.decode(ids, { skipSpecialTokens }), whole);
      }),
      { seed: SEED, numRuns: 2000 },
    ),
  );
});

test('a stream holds back exactly the bytes of one unfinished character', async (t) => {
  const [ours, reference] = await Promise.all([qwen3Tokenizer(), referenceTokenizer()]);
  t.notThrows(() =>
    fc.assert(
      fc.property(ids, (ids) => {
        const stream = ours.createStream();
        let given = '';
        for (const [i, id] of ids.entries()) {
          const piece = stream.push(id);
          assert.ok(piece.isWellFormed());
          given += piece;
          const whole = reference.decode(ids.slice(0, i + 1));
          // Decoded at once, an unfinished character at the end is one U+FFFD.
          assert.ok(whole === given || whole === `${given}\ufffd`, JSON.stringify({ ids, i, given, whole }));
        }
      }),
      { seed: SEED, numRuns: 300 },
    ),
  );
});
