import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TokenizerError } from '../../../../engine/errors.ts';
import { Tokenizer } from '../../../../engine/text/tokenizer.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir, TINY_TOKENIZER_CONFIG, tinyTokenizerJson } from './tiny.ts';

trackResources(test);

function tinyDir(t: ExecutionContext, files: Record<string, unknown> = {}): string {
  return modelDir(t, {
    'tokenizer.json': tinyTokenizerJson(),
    'tokenizer_config.json': TINY_TOKENIZER_CONFIG,
    ...files,
  });
}

const tiny = (t: ExecutionContext, files?: Record<string, unknown>) => Tokenizer.load(tinyDir(t, files));

test('a text becomes merged tokens and single bytes', async (t) => {
  const tokenizer = await tiny(t);
  t.deepEqual(tokenizer.encode('hello é'), [ID.hel, 0x6c, 0x6f, 0x20, 0xc3, 0xa9]);
  t.deepEqual(tokenizer.tokens(tokenizer.encode('hello é')), ['hel', 'l', 'o', 'Ġ', 'Ã', '©']);
});

test('merges written as pairs give the same ids', async (t) => {
  const json = tinyTokenizerJson();
  const model = {
    ...json.model,
    merges: [
      ['h', 'e'],
      ['he', 'l'],
    ],
  };
  const tokenizer = await tiny(t, { 'tokenizer.json': { ...json, model } });
  t.deepEqual(tokenizer.encode('hello'), [ID.hel, 0x6c, 0x6f]);
});

test('limits that were set when the tokenizer was saved neither cut nor pad a text', async (t) => {
  const truncation = { direction: 'Right', max_length: 2, strategy: 'LongestFirst', stride: 0 };
  const padding = { strategy: { Fixed: 9 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '!' };
  const tokenizer = await tiny(t, { 'tokenizer.json': { ...tinyTokenizerJson(), truncation, padding } });
  t.deepEqual(tokenizer.encode('hello'), [ID.hel, 0x6c, 0x6f]);
});

test('the empty text has no ids, and no ids are the empty text', async (t) => {
  const tokenizer = await tiny(t);
  t.deepEqual(tokenizer.encode(''), []);
  t.is(tokenizer.decode([]), '');
  t.deepEqual(tokenizer.tokens([]), []);
});

test('added tokens in a text become their ids', async (t) => {
  const tokenizer = await tiny(t);
  t.deepEqual(tokenizer.encode('<note>a<|end|>'), [ID.note, 0x61, ID.end]);
});

test('a text is normalised as the tokenizer says', async (t) => {
  t.deepEqual((await tiny(t)).encode('e\u0301'), [0xc3, 0xa9]);
});

test('a lone surrogate is encoded as U+FFFD', async (t) => {
  const tokenizer = await tiny(t);
  const replacement = [0xef, 0xbf, 0xbd];
  t.deepEqual(tokenizer.encode('a\ud800b\udc00'), [0x61, ...replacement, 0x62, ...replacement]);
  t.deepEqual(tokenizer.encode('\udc00\ud800'), [...replacement, ...replacement]);
});

test('tokens of the post-processor are added by default', async (t) => {
  const single = [{ SpecialToken: { id: '<|end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
  const special_tokens = { '<|end|>': { id: '<|end|>', ids: [ID.end], tokens: ['<|end|>'] } };
  const post_processor = { type: 'TemplateProcessing', single, pair: single, special_tokens };
  const tokenizer = await tiny(t, { 'tokenizer.json': { ...tinyTokenizerJson(), post_processor } });
  t.deepEqual(tokenizer.encode('a'), [ID.end, 0x61]);
  t.deepEqual(tokenizer.encode('a', { addSpecialTokens: false }), [0x61]);
});

test('a value that is not a string is refused', async (t) => {
  const tokenizer = await tiny(t);
  t.throws(() => tokenizer.encode(null as unknown as string), {
    instanceOf: TokenizerError,
    message: 'cannot encode null; expected a string',
  });
});

test('special tokens can be left out: marked ones and those of the configuration', async (t) => {
  const tokenizer = await tiny(t);
  const ids = [0x61, ID.end, ID.note, ID.extra, 0x62];
  t.is(tokenizer.decode(ids), 'a<|end|><note><|extra|>b');
  t.is(tokenizer.decode(ids, { skipSpecialTokens: true }), 'a<note>b');
});

test('a skipped special token does not separate the bytes around it; a decoded one does', async (t) => {
  const tokenizer = await tiny(t);
  const ids = [0xc3, ID.end, 0xa9];
  t.is(tokenizer.decode(ids, { skipSpecialTokens: true }), 'é');
  t.is(tokenizer.decode(ids), '\ufffd<|end|>\ufffd');
});

test('an id without a token adds nothing: in a gap, after the last token, up to the largest u32', async (t) => {
  const tokenizer = await tiny(t);
  t.is(tokenizer.vocabSize, ID.extra + 1);
  const ids = [0xc3, 280, tokenizer.vocabSize, 2 ** 32 - 1, 0xa9];
  t.is(tokenizer.decode(ids), 'é');
  t.deepEqual(tokenizer.tokens(ids), ['Ã', '', '', '', '©']);
  const stream = tokenizer.createStream();
  t.deepEqual(
    ids.map((id) => stream.push(id)),
    ['', '', '', '', 'é'],
  );
});

test('the error for an invalid id has its position', async (t) => {
  const tokenizer = await tiny(t);
  const expected = 'is not a whole number from 0 to 4294967295';
  const bad = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, 1n, '1', null, undefined];
  const shown = ['-1', '0.5', 'NaN', 'Infinity', '4294967296', '1n', '"1"', 'null', 'undefined'];
  for (const [i, id] of (bad as number[]).entries()) {
    const error = { instanceOf: TokenizerError, message: `token id ${shown[i]} at position 1 ${expected}` };
    t.throws(() => tokenizer.decode([0, id]), error);
    t.throws(() => tokenizer.tokens([0, id]), error);
    t.throws(() => tokenizer.createStream().push(id), {
      instanceOf: TokenizerError,
      message: `token id ${shown[i]} ${expected}`,
    });
  }
});

test('a stream can leave out special tokens', async (t) => {
  const stream = (await tiny(t)).createStream({ skipSpecialTokens: true });
  t.is(stream.push(0xc3) + stream.push(ID.end) + stream.push(0xa9) + stream.push(ID.note), 'é<note>');
});

for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
  test(`a tokenizer without ${file} is refused`, async (t) => {
    const files: Record<string, unknown> = {
      'tokenizer.json': tinyTokenizerJson(),
      'tokenizer_config.json': TINY_TOKENIZER_CONFIG,
    };
    delete files[file];
    const dir = modelDir(t, files);
    await t.throwsAsync(Tokenizer.load(dir), {
      instanceOf: TokenizerError,
      message: `cannot find ${join(dir, file)}; text needs tokenizer.json and tokenizer_config.json in the model directory`,
    });
  });

  test(`a truncated ${file} is refused`, async (t) => {
    await t.throwsAsync(tiny(t, { [file]: '{"added_tokens": [{"id"' }), {
      instanceOf: TokenizerError,
      message: new RegExp(`cannot read .*${file} as JSON \\(23 characters, perhaps cut short\\)`),
    });
  });
}

const refused: [string, Record<string, unknown>, RegExp][] = [
  [
    'a tokenizer.json of another kind',
    { 'tokenizer.json': { ...tinyTokenizerJson(), decoder: null } },
    /tokenizer\.json: decoder: Invalid input: expected object, received null/,
  ],
  [
    'a stage that the library does not know',
    { 'tokenizer.json': { ...tinyTokenizerJson(), normalizer: { type: 'Rot13' } } },
    /tokenizer\.json: normalizer\.type: Invalid /,
  ],
  ['a configuration that is a list', { 'tokenizer_config.json': [] }, /tokenizer_config\.json: the whole: /],
  [
    'a configuration with a value of the wrong kind',
    { 'tokenizer_config.json': { additional_special_tokens: 'x' } },
    /tokenizer_config\.json: additional_special_tokens: Invalid input: expected array/,
  ],
  [
    'a configuration that would change decoded text',
    { 'tokenizer_config.json': { clean_up_tokenization_spaces: true } },
    /tokenizer_config\.json: clean_up_tokenization_spaces true is not supported by this engine; expected false/,
  ],
];
for (const [what, files, message] of refused) {
  test(`${what} is refused`, async (t) => {
    await t.throwsAsync(tiny(t, files), { instanceOf: TokenizerError, message });
  });
}

test('a tokenizer is read once while it is in use, and again when a file has changed', async (t) => {
  const dir = tinyDir(t);
  const tokenizer = await Tokenizer.load(dir);
  t.is(await Tokenizer.load(dir), tokenizer);
  t.not(await tiny(t), tokenizer, 'equal files of another directory');
  const path = join(dir, 'tokenizer_config.json');
  const config = { ...TINY_TOKENIZER_CONFIG, additional_special_tokens: ['<note>'] };
  writeFileSync(path, JSON.stringify(config));
  const changed = await Tokenizer.load(dir);
  t.is(changed.decode([ID.note], { skipSpecialTokens: true }), '');
  t.is(tokenizer.decode([ID.note], { skipSpecialTokens: true }), '<note>');
});

test('a token has bytes, also if they are no character, and may be special', async (t) => {
  const tokenizer = await tiny(t);
  for (const [id, bytes] of [
    [ID.hel, Buffer.from('hel')],
    [0xc3, Buffer.from([0xc3])],
    [ID.end, Buffer.from('<|end|>')],
    [299, Buffer.from('')],
  ] as const) {
    t.deepEqual(Buffer.from(tokenizer.bytesOf(id)), bytes);
  }
  t.deepEqual(
    [ID.end, ID.extra, ID.note, ID.hel].map((id) => tokenizer.isSpecial(id)),
    [true, true, false, false],
  );
  t.throws(() => tokenizer.bytesOf(-1), {
    instanceOf: TokenizerError,
    message: 'token id -1 is not a whole number from 0 to 4294967295',
  });
});

test('a pattern that backtracks without end is stopped with an error, and another text is encoded', async (t) => {
  const stages = (Regex: string) => ({
    ...tinyTokenizerJson(),
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ],
    },
  });
  const load = (json: unknown) =>
    Tokenizer.load(
      modelDir(t, { 'tokenizer.json': json, 'tokenizer_config.json': TINY_TOKENIZER_CONFIG }),
      100,
    );
  const endless = await load(stages('(a+)+$'));
  t.throws(() => endless.encode(`${'a'.repeat(40)}b`), {
    instanceOf: TokenizerError,
    message:
      /^cannot encode "a+b": the pattern of pre_tokenizer takes more than 103 ms for 41 characters; use/,
  });
  t.deepEqual(endless.encode('aa'), [0x61, 0x61]);
  await t.throwsAsync(load(stages('(')), {
    instanceOf: TokenizerError,
    message: /tokenizer\.json: the tokenizer cannot be built: ./,
  });
});
