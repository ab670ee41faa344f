import test from 'ava';
import { readPromptSource } from '../../../../engine/cli/prompt-source.ts';
import { ChatTemplateError, FileError, TokenizerError, UsageError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/cleanup.ts';
import { modelDir } from '../text/tiny.ts';
import { fakeIo, jsonFile, TEXT_MODEL, TINY_CONFIG } from './support.ts';

trackResources(test);

const io = fakeIo();
const bytes = (text: string) => [...Buffer.from(text)];
const messages = [{ role: 'user', content: 'x' }];

test('a text is encoded by the tokenizer of the model, which is asked for', async (t) => {
  const source = await readPromptSource({ prompt: 'abc' }, io);
  t.deepEqual(source.needed.files, ['config.json', 'tokenizer.json', 'tokenizer_config.json']);
  t.true(source.needed.weights);
  const { ids, tokenizer } = await source.load(modelDir(t, TEXT_MODEL));
  t.deepEqual(ids, [bytes('abc')]);
  t.is(tokenizer?.decode(ids[0]), 'abc');
  await t.throwsAsync(source.load(modelDir(t, { 'config.json': TINY_CONFIG })), {
    instanceOf: TokenizerError,
  });
});

test('an empty text is a prompt, and not a missing one', async (t) => {
  const source = await readPromptSource({ prompt: '' }, io);
  t.deepEqual((await source.load(modelDir(t, TEXT_MODEL))).ids, [[]]);
});

test('a conversation is written by the template of the model and ends with the opening of an answer', async (t) => {
  const source = await readPromptSource({ chat: jsonFile(t, messages) }, io);
  t.deepEqual(source.needed.optional, ['generation_config.json', 'chat_template.jinja']);
  t.deepEqual((await source.load(modelDir(t, TEXT_MODEL))).ids, [bytes('u:x;a:')]);
});

test('tools and enable_thinking of a conversation reach the template; the option goes before the file', async (t) => {
  const render = async (json: unknown, thinking?: boolean) => {
    const source = await readPromptSource({ chat: jsonFile(t, json), thinking }, io);
    const { ids, tokenizer } = await source.load(modelDir(t, TEXT_MODEL));
    return tokenizer?.decode(ids[0]);
  };
  t.is(await render({ messages, tools: [{}, {}] }), 'u:x;2 tools;a:');
  t.is(await render({ messages, enable_thinking: true }), 'u:x;think;a:');
  t.is(await render({ messages, enable_thinking: true }, false), 'u:x;answer;a:');
  t.is(await render(messages, false), 'u:x;answer;a:');
  t.is(await render(messages, true), 'u:x;think;a:');
});

test('a conversation for a model without a template is refused', async (t) => {
  const source = await readPromptSource({ chat: jsonFile(t, messages) }, io);
  const dir = modelDir(t, { ...TEXT_MODEL, 'tokenizer_config.json': {} });
  await t.throwsAsync(source.load(dir), { instanceOf: ChatTemplateError, message: /has no chat template/ });
});

test('ids are taken as they are; a tokenizer serves them if both its files are there', async (t) => {
  const ids = [[1, 2], [3]];
  const source = await readPromptSource({ ids: jsonFile(t, ids) }, io);
  t.deepEqual(source.needed.files, ['config.json']);
  t.true(source.needed.optional?.includes('tokenizer.json'));
  const withText = await source.load(modelDir(t, TEXT_MODEL));
  t.deepEqual(withText.ids, ids);
  t.is(withText.tokenizer?.decode([0x61]), 'a');
  const without = await source.load(modelDir(t, { 'tokenizer.json': TEXT_MODEL['tokenizer.json'] }));
  t.deepEqual(without, { ids, tokenizer: undefined });
});

test('nothing to continue is wrong usage, a file that is not there is not', async (t) => {
  await t.throwsAsync(readPromptSource({}, io), {
    instanceOf: UsageError,
    message: 'nothing to continue: give --prompt, --chat or --ids',
  });
  await t.throwsAsync(readPromptSource({ ids: '/missing.json' }, io), { instanceOf: FileError });
});
