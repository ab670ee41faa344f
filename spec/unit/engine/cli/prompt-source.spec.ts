import test from 'ava';
import {
  encodePrompts,
  filesNeeded,
  type PromptOptions,
  readPromptInputs,
} from '../../../../engine/cli/prompt-source.ts';
import { ChatTemplateError, FileError, TokenizerError, UsageError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir, tinyTokenizerJson } from '../text/tiny.ts';
import { fakeIo, jsonFile, linesFile, TEXT_MODEL, TINY_CONFIG } from './support.ts';

trackResources(test);

const io = fakeIo();
const bytes = (text: string) => [...Buffer.from(text)];
const messages = [{ role: 'user', content: 'x' }];

/** What the command does with its prompts: the files it asks for, and what becomes of the prompts. */
async function read(options: PromptOptions) {
  const inputs = await readPromptInputs(options);
  const prompts = inputs.map(({ prompt }) => prompt);
  return {
    inputs,
    needed: filesNeeded(prompts),
    load: (modelDir: string) => encodePrompts(prompts, modelDir, io),
  };
}

test('a text is encoded by the tokenizer of the model, which is asked for', async (t) => {
  const { needed, load } = await read({ prompt: 'abc' });
  t.deepEqual(needed.files, ['config.json', 'tokenizer.json', 'tokenizer_config.json']);
  t.deepEqual(needed.optional, ['generation_config.json']);
  t.true(needed.weights);
  const { ids, tokenizer } = await load(modelDir(t, TEXT_MODEL));
  t.deepEqual(ids, [bytes('abc')]);
  t.is(tokenizer?.decode(ids[0]), 'abc');
  await t.throwsAsync(load(modelDir(t, { 'config.json': TINY_CONFIG })), { instanceOf: TokenizerError });
});

test('an empty text is a prompt, and not a missing one', async (t) => {
  const { load } = await read({ prompt: '' });
  t.deepEqual((await load(modelDir(t, TEXT_MODEL))).ids, [[]]);
});

test('a conversation is written by the template of the model and ends with the opening of an answer', async (t) => {
  const { needed, load } = await read({ chat: jsonFile(t, messages) });
  t.deepEqual(needed.optional, ['generation_config.json', 'chat_template.jinja']);
  t.deepEqual((await load(modelDir(t, TEXT_MODEL))).ids, [bytes('u:x;a:')]);
});

test('a tokenizer that puts a token before texts does so with prompts, but not with what a template wrote', async (t) => {
  const single = [{ SpecialToken: { id: '<|end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
  const post_processor = { type: 'TemplateProcessing', single, pair: single };
  const dir = modelDir(t, { ...TEXT_MODEL, 'tokenizer.json': { ...tinyTokenizerJson(), post_processor } });
  const { load } = await read({ requests: linesFile(t, { prompt: 'a' }, { messages }) });
  t.deepEqual((await load(dir)).ids, [[ID.end, 0x61], bytes('u:x;a:')]);
});

test('tools and enable_thinking of a conversation reach the template; the option goes before the file', async (t) => {
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

test('ids are taken as they are; a tokenizer serves them if both its files are there', async (t) => {
  const ids = [[1, 2], [3]];
  const { inputs, needed, load } = await read({ ids: jsonFile(t, ids) });
  t.deepEqual(
    inputs.map(({ name }) => name),
    ['prompt 0', 'prompt 1'],
  );
  t.deepEqual(needed.files, ['config.json']);
  t.true(needed.optional?.includes('tokenizer.json'));
  const withText = await load(modelDir(t, TEXT_MODEL));
  t.deepEqual(withText.ids, ids);
  t.is(withText.tokenizer?.decode([0x61]), 'a');
  const without = await load(modelDir(t, { 'tokenizer.json': TEXT_MODEL['tokenizer.json'] }));
  t.deepEqual(without, { ids, tokenizer: undefined });
});

test('requests of all kinds in one file ask for what any of them needs', async (t) => {
  const { needed, load } = await read({
    requests: linesFile(t, { ids: [5] }, { messages }, { prompt: 'ab' }),
  });
  t.deepEqual(needed.files, ['config.json', 'tokenizer.json', 'tokenizer_config.json']);
  t.deepEqual(needed.optional, ['generation_config.json', 'chat_template.jinja']);
  t.deepEqual((await load(modelDir(t, TEXT_MODEL))).ids, [[5], bytes('u:x;a:'), bytes('ab')]);
});

test('nothing to continue is wrong usage, a file that is not there is not', async (t) => {
  await t.throwsAsync(readPromptInputs({}), {
    instanceOf: UsageError,
    message: 'nothing to continue: give --prompt, --chat, --ids or --requests',
  });
  await t.throwsAsync(readPromptInputs({ ids: '/missing.json' }), { instanceOf: FileError });
  await t.throwsAsync(readPromptInputs({ requests: '/missing.jsonl' }), { instanceOf: FileError });
});
