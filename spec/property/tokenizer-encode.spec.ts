import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { qwen3Tokenizer, referenceTokenizer } from '../support/models/tokenizer.ts';
import { codePoint } from '../support/properties/code-points.ts';

const SEED = 20261122;

/** Kinds of text on which tokenizers have disagreed. */
const fragment = fc.oneof(
  fc.string({ unit: codePoint, maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.string({ unit: 'binary-ascii', maxLength: 12 }),
  fc.constantFrom(
    '<|im_start|>',
    '<|im_end|>',
    '<|endoftext|>',
    '<think>',
    '</think>',
    '<tool_call>',
    '<|im_',
  ),
  // White space of JavaScript and of Unicode (U+0085 and U+FEFF are in one only), runs of it, line ends.
  fc.constantFrom(' ', '   ', '\n', '\r\n', '\t', '\u0085', '\u00a0', '\u2003', '\u3000', '\ufeff', '\u200b'),
  // Marks that compose with what is before, decomposed and compatibility characters, Hangul parts.
  fc.constantFrom('e\u0301', '\u0301', '\u0338', '\u212b', '\ufb01', '\u1112\u1161\u11ab', '\u0344'),
  // Contractions, also with the long s, which folds to s.
  fc.constantFrom("'s", "'S", "'\u017f", "'LL", "don't", '\u2019s', '1234567', '٣٤'),
  fc.constantFrom('\0', '\x1f', '\x7f', '\ufffd', '👨‍👩‍👧‍👦', '🏳️‍🌈', '𐍈'),
  // A lone surrogate, which UTF-8 cannot encode.
  fc.constantFrom('\ud83d', '\ude00', '\ud800\ud800'),
);
const text = fc.array(fragment, { maxLength: 10 }).map((fragments) => fragments.join(''));

test('any text has the ids of transformers.js, and they decode to the same text', async (t) => {
  const [ours, reference] = await Promise.all([qwen3Tokenizer(), referenceTokenizer()]);
  t.notThrows(() =>
    fc.assert(
      fc.property(text, (text) => {
        const ids = ours.encode(text);
        assert.deepEqual(ids, reference.encode(text));
        if (ids.length === 0) return; // The reference cannot decode an empty list.
        assert.equal(ours.decode(ids), reference.decode(ids));
        const skipped = ours.decode(ids, { skipSpecialTokens: true });
        assert.equal(skipped, reference.decode(ids, { skip_special_tokens: true }));
      }),
      { seed: SEED, numRuns: 500 },
    ),
  );
});

test('a text in normal form C survives encoding and decoding', async (t) => {
  const ours = await qwen3Tokenizer();
  t.notThrows(() =>
    fc.assert(
      fc.property(text, (text) => {
        const normal = text.toWellFormed().normalize('NFC');
        assert.equal(ours.decode(ours.encode(normal)), normal);
      }),
      { seed: SEED, numRuns: 500 },
    ),
  );
});

test('a text with lone surrogates has the ids of the text with U+FFFD instead', async (t) => {
  const ours = await qwen3Tokenizer();
  t.notThrows(() =>
    fc.assert(
      fc.property(text, fc.constantFrom('\ud800', '\udfff'), text, (before, half, after) => {
        const broken = before + half + after;
        assert.deepEqual(ours.encode(broken), ours.encode(broken.toWellFormed()));
      }),
      { seed: SEED, numRuns: 200 },
    ),
  );
});
