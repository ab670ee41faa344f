import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseModelConfig } from '../../../../../engine/config.ts';
import { TokenizerError } from '../../../../../engine/errors.ts';
import { string, uint32 } from '../../../../../generator/export/gguf/metadata.ts';
import { readTokenizerMetadata, tokenizerMetadata } from '../../../../../generator/export/gguf/tokenizer.ts';
import { FIXTURES } from '../../../../../generator/fixtures/fixture-specs.ts';
import { standInTokenizer } from '../../../../../generator/fixtures/stand-in-tokenizer.ts';
import { QWEN3_TOKENIZER_DIR } from '../../../../support/models/tokenizer.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

const configOf = (name: string) => parseModelConfig(FIXTURES[name].config);

/** A folder with the tokenizer of the small fixtures. */
function standInFolder(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  for (const [file, json] of Object.entries(standInTokenizer(384))) {
    writeFileSync(join(folder, file), JSON.stringify(json));
  }
  return folder;
}

test("Qwen3's vocabulary, merges, special tokens and chat template are written", async (t) => {
  const metadata = await readTokenizerMetadata(QWEN3_TOKENIZER_DIR, configOf('dense-bf16'));
  t.like(metadata, {
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.pre': string('qwen2'),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    'tokenizer.ggml.eos_token_id': uint32(151645),
    'tokenizer.ggml.padding_token_id': uint32(151643),
  });
  t.false('tokenizer.ggml.bos_token_id' in metadata);
  const tokens = metadata['tokenizer.ggml.tokens'].value as string[];
  t.deepEqual(
    [tokens.length, tokens[0], tokens[151645], tokens[151935]],
    [151936, '!', '<|im_end|>', '[PAD151935]'],
  );
  const types = metadata['tokenizer.ggml.token_type'].value as number[];
  t.deepEqual([types[0], types[151645], types[151657], types[151935]], [1, 3, 4, 5]);
  t.is((metadata['tokenizer.ggml.merges'].value as string[])[0], 'Ġ Ġ');
  const { chat_template } = JSON.parse(
    readFileSync(join(QWEN3_TOKENIZER_DIR, 'tokenizer_config.json'), 'utf8'),
  );
  t.deepEqual(metadata['tokenizer.chat_template'], string(chat_template));
});

test('a directory without tokenizer.json gets a token for each byte, then <256> and so on', async (t) => {
  const folder = standInFolder(t);
  const own = await readTokenizerMetadata(folder, configOf('dense'));
  rmSync(join(folder, 'tokenizer.json'));
  const made = await readTokenizerMetadata(folder, configOf('dense'));
  t.deepEqual(made, own);
  const tokens = made['tokenizer.ggml.tokens'].value as string[];
  t.deepEqual([tokens[10], tokens[256], tokens[381], tokens[383]], ['Ċ', '<256>', '<381>', '<|im_end|>']);
});

test('a vocabulary that is too small for a token for each byte needs a tokenizer of its own', async (t) => {
  const config = { ...configOf('dense'), vocabSize: 257 };
  await t.throwsAsync(readTokenizerMetadata(temporaryFolder(t), config), {
    instanceOf: TokenizerError,
    message: /tokenizer\.json is missing, and a vocabulary of 257 is too small .* expected 258 or more$/,
  });
});

test('a tokenizer with more ids than the model is refused', async (t) => {
  const config = { ...configOf('dense'), vocabSize: 383 };
  await t.throwsAsync(readTokenizerMetadata(standInFolder(t), config), {
    instanceOf: TokenizerError,
    message: /tokenizer\.json: has ids up to 383; the model has 383$/,
  });
});

test('a tokenizer that cuts texts in another way than Qwen3 is refused', async (t) => {
  const folder = standInFolder(t);
  const path = join(folder, 'tokenizer.json');
  const json = JSON.parse(readFileSync(path, 'utf8'));
  json.model.vocab.ab = json.model.vocab['<256>'];
  delete json.model.vocab['<256>'];
  json.model.merges = ['a b'];
  writeFileSync(path, JSON.stringify(json));
  await t.throwsAsync(readTokenizerMetadata(folder, configOf('dense')), {
    instanceOf: TokenizerError,
    message: /pre_tokenizer does not cut texts as Qwen3's does/,
  });
});

test('merges may be pairs or texts, and a model without an end has no id for it', (t) => {
  const config = { ...configOf('dense'), vocabSize: 4, eosTokenIds: [] };
  const vocab = { a: 0, b: 1 };
  const added = [{ id: 2, content: '<x>', special: false }];
  const metadata = (merges: readonly (string | readonly [string, string])[]) =>
    tokenizerMetadata({ model: { vocab, merges }, added_tokens: added }, config);
  t.deepEqual(metadata(['a b']), metadata([['a', 'b']]));
  t.deepEqual(metadata([])['tokenizer.ggml.tokens'].value, ['a', 'b', '<x>', '[PAD3]']);
  t.deepEqual(metadata([])['tokenizer.ggml.token_type'].value, [1, 1, 4, 5]);
  t.false('tokenizer.ggml.eos_token_id' in metadata([]));
});

test('of several ends the first is written, which is <|im_end|> of every Qwen3', (t) => {
  const tokenizer = { model: { vocab: { a: 0, b: 1, c: 2 }, merges: [] }, added_tokens: [] };
  const eosOf = (eosTokenIds: number[]) =>
    tokenizerMetadata(tokenizer, { ...configOf('dense'), vocabSize: 4, eosTokenIds })[
      'tokenizer.ggml.eos_token_id'
    ];
  t.deepEqual([eosOf([2, 1]), eosOf([0, 1, 2])], [uint32(2), uint32(0)]);
});
