import test from 'ava';
import {
  checkPrompts,
  encodePrompts,
  filesNeeded,
  type Prompt,
  type PromptOptions,
  readPrompts,
} from '../../../../engine/cli/prompts.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import {
  ChatTemplateError,
  FileError,
  PromptError,
  TokenizerError,
  UsageError,
} from '../../../../engine/errors.ts';
import { TEMPLATE_FILES } from '../../../../engine/text/tokenizer-files.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir, tinyTokenizerJson } from '../text/tiny.ts';
import { fakeIo, jsonFile, TEXT_MODEL, TINY_CONFIG } from './support.ts';

trackResources(test);

const io = fakeIo();
const bytes = (text: string) => [...Buffer.from(text)];
const messages = [{ role: 'user', content: 'x' }];

/** Reads prompts, as the command does. @returns the prompts, the files they need, and their encoding. */
async function read(options: PromptOptions) {
  const prompts = await readPrompts(options);
  return {
    prompts,
    needed: filesNeeded(prompts),
    load: (modelDir: string) => encodePrompts(prompts, modelDir, io),
  };
}

test('a text is encoded by the tokenizer of the model, whose files are needed', async (t) => {
  const { needed, load } = await read({ prompt: 'abc' });
  t.deepEqual(needed.files, ['config.json', 'tokenizer.json', 'tokenizer_config.json']);
  t.deepEqual(needed.optional, ['generation_config.json']);
  t.true(needed.weights);
  const { ids, tokenizer } = await load(modelDir(t, TEXT_MODEL));
  t.deepEqual(ids, [bytes('abc')]);
  t.is(tokenizer?.decode(ids[0]), 'abc');
  await t.throwsAsync(load(modelDir(t, { 'config.json': TINY_CONFIG })), { instanceOf: TokenizerError });
});

test('an empty text is a prompt without tokens', async (t) => {
  const { load } = await read({ prompt: '' });
  t.deepEqual((await load(modelDir(t, TEXT_MODEL))).ids, [[]]);
});

test('a conversation is rendered by the template of the model, with the generation prompt', async (t) => {
  const { needed, load } = await read({ chat: jsonFile(t, messages) });
  t.deepEqual(needed.optional, ['generation_config.json', ...TEMPLATE_FILES]);
  t.deepEqual((await load(modelDir(t, TEXT_MODEL))).ids, [bytes('u:x;a:')]);
});

test('the post-processor adds tokens to a text, but not to a rendered conversation', async (t) => {
  const single = [{ SpecialToken: { id: '<|end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
  const special_tokens = { '<|end|>': { id: '<|end|>', ids: [ID.end], tokens: ['<|end|>'] } };
  const post_processor = { type: 'TemplateProcessing', single, pair: single, special_tokens };
  const dir = modelDir(t, { ...TEXT_MODEL, 'tokenizer.json': { ...tinyTokenizerJson(), post_processor } });
  const { prompts } = await read({ chat: jsonFile(t, messages) });
  const { ids } = await encodePrompts([{ text: 'a' }, ...prompts], dir, io);
  t.deepEqual(ids, [[ID.end, 0x61], bytes('u:x;a:')]);
});

test('tools and enable_thinking of a conversation reach the template; the option overrides the file', async (t) => {
  const render = async (json: unknown, thinking?: boolean) => {
    const { load } = await read({ chat: jsonFile(t, json), thinking });
    const { ids, tokenizer } = await load(modelDir(t, TEXT_MODEL));
    return tokenizer?.decode(ids[0]);
  };
  t.is(await render({ messages, tools: [{}, {}] }), 'u:x;2 tools;a:');
  t.is(await render({ messages, enable_thinking: true }), 'u:x;think;a:');
  t.is(await render({ messages, enable_thinking: true }, false), 'u:x;answer;a:');
  t.is(await render(messages, false), 'u:x;answer;a:');
  t.is(await render(messages, true), 'u:x;think;a:');
});

test('a conversation for a model without a template is refused', async (t) => {
  const { load } = await read({ chat: jsonFile(t, messages) });
  const dir = modelDir(t, { ...TEXT_MODEL, 'tokenizer_config.json': {} });
  await t.throwsAsync(load(dir), { instanceOf: ChatTemplateError, message: /has no chat template/ });
});

test('ids are not changed; they have a tokenizer if both its files exist', async (t) => {
  const ids = [[1, 2], [3]];
  const { needed, load } = await read({ ids: jsonFile(t, ids) });
  t.deepEqual(needed.files, ['config.json']);
  t.deepEqual(needed.optional, ['generation_config.json', 'tokenizer.json', 'tokenizer_config.json']);
  const withText = await load(modelDir(t, TEXT_MODEL));
  t.deepEqual(withText.ids, ids);
  t.is(withText.tokenizer?.decode([0x61]), 'a');
  const without = await load(modelDir(t, { 'tokenizer.json': TEXT_MODEL['tokenizer.json'] }));
  t.deepEqual(without, { ids, tokenizer: undefined });
});

test('prompts of several kinds need the files of each', async (t) => {
  const chat = {
    messages: [{ role: 'user', content: 'x' } as const],
    tools: undefined,
    enableThinking: undefined,
  };
  const prompts: Prompt[] = [{ ids: [5] }, { chat }, { text: 'ab' }];
  const needed = filesNeeded(prompts);
  t.deepEqual(needed.files, ['config.json', 'tokenizer.json', 'tokenizer_config.json']);
  t.deepEqual(needed.optional, ['generation_config.json', ...TEMPLATE_FILES]);
  const { ids } = await encodePrompts(prompts, modelDir(t, TEXT_MODEL), io);
  t.deepEqual(ids, [[5], bytes('u:x;a:'), bytes('ab')]);
});

test('no prompt is wrong usage, a missing file is not', async (t) => {
  await t.throwsAsync(readPrompts({}), {
    instanceOf: UsageError,
    message: 'nothing to continue: give --prompt, --chat, --ids or --requests',
  });
  await t.throwsAsync(readPrompts({ ids: '/missing.json' }), { instanceOf: FileError });
});

test('the first prompt that the model cannot be given is named', (t) => {
  const config = parseModelConfig(TINY_CONFIG);
  const good = [1, 2, 3];
  t.notThrows(() => checkPrompts([good, new Array(16).fill(1)], config));
  t.throws(() => checkPrompts([good, [], [999]], config), {
    instanceOf: PromptError,
    message: /^prompt 1: the prompt is empty/,
  });
  t.throws(() => checkPrompts([good, good, [999]], config), { message: /^prompt 2: .*position 0 is 999/ });
});
