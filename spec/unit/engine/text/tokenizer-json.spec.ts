import test from 'ava';
import { TokenizerError } from '../../../../engine/errors.ts';
import { parseTokenizerJson } from '../../../../engine/text/tokenizer-json.ts';
import { QWEN2_PATTERN } from '../../../../engine/text/tokenizer-stages.ts';
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
    hasForeignPattern: false,
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
/** The tiny tokenizer with other stages. */
const withStages = (change: Record<string, unknown>) => ({ ...tinyTokenizerJson(), ...change });
const tokenWith = (change: Record<string, unknown>) =>
  withStages({ added_tokens: [{ id: ID.end, content: '<|end|>', ...change }] });
const byteLevel = { type: 'ByteLevel' };
const splitWith = (change: Record<string, unknown>) =>
  withStages({
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: 'a' }, behavior: 'Isolated', invert: false, ...change },
        byteLevel,
      ],
    },
  });
const single = [{ SpecialToken: { id: '<|end|>', type_id: 0 } }];
const special_tokens = { '<|end|>': { id: '<|end|>', ids: [ID.end], tokens: ['<|end|>'] } };
const template = {
  type: 'TemplateProcessing',
  single,
  pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
};
const NONE: Record<string, unknown> = { normalizer: null, post_processor: null };

/** What is read, and whether its pattern may take any time. */
const taken: [string, unknown, boolean][] = [
  ['no normalizer and no post-processor', withStages(NONE), false],
  ...['NFC', 'NFD', 'NFKC', 'NFKD'].flatMap((type): [string, unknown, boolean][] => [
    [`the normalizer ${type}`, withStages({ normalizer: { type } }), false],
    [
      `${type} in a sequence`,
      withStages({ normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type }] } }),
      false,
    ],
  ]),
  [
    'all flags of bytes',
    withStages({ decoder: { ...byteLevel, add_prefix_space: true, trim_offsets: true, use_regex: true } }),
    false,
  ],
  ['a pattern of its own', splitWith({}), true],
  ['a pattern of 10,000 characters', splitWith({ pattern: { Regex: 'a'.repeat(10_000) } }), true],
  ['a pattern for what is kept', splitWith({ behavior: 'Removed', invert: true }), true],
  ["Qwen's pattern", splitWith({ pattern: { Regex: QWEN2_PATTERN } }), false],
  [
    'bytes alone in a sequence',
    withStages({ pre_tokenizer: { type: 'Sequence', pretokenizers: [byteLevel] } }),
    false,
  ],
  ['a template as post-processor', withStages({ post_processor: { ...template, special_tokens } }), false],
  [
    'a sequence of post-processors',
    withStages({
      post_processor: { type: 'Sequence', processors: [byteLevel, { ...template, special_tokens }] },
    }),
    false,
  ],
  [
    'keys of the model that ask for nothing',
    withModel({
      ...{ dropout: 0, continuing_subword_prefix: '', end_of_word_suffix: null, unk_token: null },
      ...{ fuse_unk: true, byte_fallback: false, ignore_merges: true },
    }),
    false,
  ],
  [
    'a token that is found with its spaces',
    tokenWith({ lstrip: true, rstrip: true, normalized: true }),
    false,
  ],
  ['the highest id', withVocab({ zz: 2 ** 31 - 1 }), false],
];
for (const [what, json, hasForeignPattern] of taken) {
  test(`${what} is read`, (t) => {
    t.is(parseTokenizerJson(json, 'tokenizer.json').hasForeignPattern, hasForeignPattern);
  });
}

const refused: [string, unknown, string][] = [
  ['a key of its own', withStages({ special: 1 }), 'the whole: Unrecognized key: "special"'],
  [
    'a token that is found between words only',
    tokenWith({ single_word: true }),
    'added_tokens.0.single_word: ',
  ],
  ['an unknown key of a token', tokenWith({ word: 1 }), 'added_tokens.0: Unrecognized key: "word"'],
  ['dropout', withModel({ dropout: 0.1 }), 'model.dropout: '],
  [
    'a prefix of parts of words',
    withModel({ continuing_subword_prefix: '##' }),
    'continuing_subword_prefix: ',
  ],
  ['a suffix of words', withModel({ end_of_word_suffix: '</w>' }), 'model.end_of_word_suffix: '],
  ['bytes in place of unknown tokens', withModel({ byte_fallback: true }), 'model.byte_fallback: '],
  ['an unknown key of the model', withModel({ max_length: 1 }), 'model: Unrecognized key: "max_length"'],
  ['another normalizer', withStages({ normalizer: { type: 'Lowercase' } }), 'normalizer.type: '],
  ['a pre-tokenizer of null', withStages({ pre_tokenizer: null }), 'pre_tokenizer: '],
  [
    'a pre-tokenizer without bytes',
    withStages({ pre_tokenizer: { type: 'Digits' } }),
    'pre_tokenizer.type: ',
  ],
  [
    'bytes that are cut again',
    withStages({ pre_tokenizer: { type: 'Sequence', pretokenizers: [byteLevel, byteLevel] } }),
    'pre_tokenizer: expected ByteLevel once, as the last',
  ],
  [
    'a sequence of no pre-tokenizers',
    withStages({ pre_tokenizer: { type: 'Sequence', pretokenizers: [] } }),
    'pre_tokenizer: expected ByteLevel once, as the last',
  ],
  ['a behavior that the library passes over', splitWith({ behavior: 'MergedWithNext' }), '.behavior: '],
  [
    'a pattern that is inverted and isolated',
    splitWith({ invert: true }),
    'expected the behavior Isolated with',
  ],
  ['a pattern of another kind', splitWith({ pattern: { String: 'a' } }), 'pretokenizers.0.pattern'],
  [
    'a pattern that is too long',
    splitWith({ pattern: { Regex: 'a'.repeat(10_001) } }),
    '.pattern.Regex: Too big',
  ],
  ['an empty pattern', splitWith({ pattern: { Regex: '' } }), '.pattern.Regex: Too small'],
  [
    'another post-processor',
    withStages({ post_processor: { type: 'BertProcessing' } }),
    'post_processor.type: ',
  ],
  [
    'a special token of the post-processor that has no entry',
    withStages({ post_processor: { type: 'TemplateProcessing', single, pair: single, special_tokens: {} } }),
    'post_processor: expected an entry of special_tokens for each special token',
  ],
  ...(
    [
      ['two tokens', ['<|end|>', 'a']],
      ['another token', ['a']],
      ['no token', []],
    ] as const
  ).map(([what, tokens]): [string, unknown, string] => [
    `a special token of the post-processor whose entry has ${what}`,
    withStages({
      post_processor: {
        ...{ type: 'TemplateProcessing', single, pair: single },
        special_tokens: { '<|end|>': { id: '<|end|>', ids: [0], tokens } },
      },
    }),
    'post_processor: expected an entry of special_tokens for each special token',
  ]),
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
  [
    'a merge whose left is no text',
    withModel({ merges: [[1, 'e']] }),
    "model.merges[0]: [ 1, 'e' ] is not a pair",
  ],
  [
    'a merge whose right is no text',
    withModel({ merges: [['h', 1]] }),
    "model.merges[0]: [ 'h', 1 ] is not a pair",
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
