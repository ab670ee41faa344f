import test from 'ava';
import { TokenizerError } from '../../../../engine/errors.ts';
import { parseTokenizerJson } from '../../../../engine/text/tokenizer-json.ts';
import { ID, tinyTokenizerJson } from './tiny.ts';

/** The tiny tokenizer with keys of its `model` replaced. */
function withModel(change: Record<string, unknown>) {
  const json = tinyTokenizerJson();
  return { ...json, model: { ...json.model, ...change } };
}

/** The tiny tokenizer with entries of its vocabulary replaced. */
function withVocab(change: Record<string, unknown>) {
  return withModel({ vocab: { ...(tinyTokenizerJson().model.vocab as object), ...change } });
}

test('added tokens are found, special or not, and the vocabulary ends after the highest id', (t) => {
  t.deepEqual(parseTokenizerJson(tinyTokenizerJson(), 'tokenizer.json'), {
    vocabSize: ID.extra + 1,
    addedTokens: [
      { id: ID.end, content: '<|end|>', special: true },
      { id: ID.note, content: '<note>', special: false },
      { id: ID.extra, content: '<|extra|>', special: false },
    ],
  });
});

test('an added token may be in the vocabulary as well, and the vocabulary may reach beyond the added tokens', (t) => {
  const json = withVocab({ '<|end|>': ID.end, zz: 400 });
  t.is(parseTokenizerJson(json, 'tokenizer.json').vocabSize, 401);
});

const { vocab, ...vocabless } = tinyTokenizerJson().model;
const { a: _, ...vocabWithoutA } = vocab as Record<string, number>;
const refused: [string, unknown, string][] = [
  ['null', null, 'the whole: Invalid input: expected object, received null'],
  ['a tokenizer without a model', { added_tokens: [] }, 'model: Invalid input: expected object'],
  ['a model that is no BPE', withModel({ type: 'Unigram' }), 'model.type: Invalid input: expected "BPE"'],
  [
    'a decoder that is not byte-level',
    { ...tinyTokenizerJson(), decoder: { type: 'Metaspace' } },
    'decoder.type: Invalid input: expected "ByteLevel"; this engine reads byte-level BPE tokenizers',
  ],
  [
    'a model without a vocabulary',
    { ...tinyTokenizerJson(), model: vocabless },
    'model.vocab: expected an object',
  ],
  ['a vocabulary that is a list', withModel({ vocab: ['a'] }), 'model.vocab: expected an object'],
  ['merges that are no list', withModel({ merges: 'h e' }), 'model.merges: expected an array'],
  ['an id that is no number', withVocab({ he: '256' }), 'model.vocab["he"]: "256" is not a whole number'],
  ['a fractional id', withVocab({ he: 0.5 }), 'model.vocab["he"]: 0.5 is not a whole number'],
  ['a negative id', withVocab({ he: -1 }), 'model.vocab["he"]: -1 is not a whole number'],
  ['a huge id', withVocab({ he: 2 ** 31 }), 'is not a whole number from 0 to 2147483647'],
  ['an id used twice', withVocab({ he: 257 }), 'model.vocab["hel"]: id 257 belongs to "he" already'],
  ['a merge of three', withModel({ merges: ['h e l'] }), 'model.merges[0]: "h e l" is not a pair of tokens'],
  [
    'a merge of numbers',
    withModel({
      merges: [
        ['h', 'e'],
        [1, 2],
      ],
    }),
    'model.merges[1]: [ 1, 2 ] is not a pair',
  ],
  [
    'a merge of another form than the first',
    withModel({ merges: [['h', 'e'], 'he l'] }),
    'model.merges[1]: "he l" is not a pair of tokens written as the first merge is',
  ],
  [
    'a merge into no token',
    withModel({ merges: ['h e', 'he y'] }),
    'model.merges[1]: "he y" needs the token "hey", which is not in model.vocab',
  ],
  ['a merge of no token', withModel({ merges: ['constructor e'] }), 'needs the token "constructor"'],
  [
    'a byte without a token',
    withModel({ vocab: vocabWithoutA }),
    'model.vocab has no token "a" for byte 97; expected all 256',
  ],
  [
    'an added token with the id of another',
    { ...tinyTokenizerJson(), added_tokens: [{ id: 256, content: '<x>' }] },
    'added token "<x>" has id 256, which is "he" already',
  ],
  [
    'an added token without content',
    { ...tinyTokenizerJson(), added_tokens: [{ id: 300 }] },
    'added_tokens.0.content: Invalid input',
  ],
  [
    'an added token with a fractional id',
    { ...tinyTokenizerJson(), added_tokens: [{ id: 0.5, content: '<x>' }] },
    'added_tokens.0.id: expected a whole number from 0 to 2147483647',
  ],
];
for (const [what, json, message] of refused) {
  test(`${what} is refused`, (t) => {
    const error = t.throws(() => parseTokenizerJson(json, 'dir/tokenizer.json'), {
      instanceOf: TokenizerError,
    });
    t.true(error.message.startsWith('dir/tokenizer.json: '), error.message);
    t.true(error.message.includes(message), error.message);
  });
}
