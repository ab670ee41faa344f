import { mock } from 'node:test';
import test, { type ExecutionContext } from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { createVocabulary } from '../../../../engine/server/served-vocabulary.ts';
import { TextThread, type TextThreadOptions } from '../../../../engine/server/text-thread.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { TINY_TEMPLATE } from '../cli/support.ts';
import { ID, modelDir, TINY_TOKENIZER_CONFIG, tinyTokenizerJson } from '../text/tiny.ts';

trackResources(test);

/** A template that never ends for a system message. */
const ENDLESS = `{% if messages[0].role == "system" %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}${TINY_TEMPLATE}`;

/** A template that makes lists without end for a system message. */
const GREEDY = `{% if messages[0].role == "system" %}{% set n = namespace(x=[]) %}{% for i in range(40) %}{% set n.x = [n.x, range(99999) | list] %}{% endfor %}{% endif %}${TINY_TEMPLATE}`;

async function startTiny(t: ExecutionContext, template: string | undefined, options?: TextThreadOptions) {
  const dir = modelDir(t, {
    'tokenizer.json': tinyTokenizerJson(),
    'tokenizer_config.json': { ...TINY_TOKENIZER_CONFIG, chat_template: template },
  });
  return closing(t, await TextThread.start(dir, options));
}

const ask = (role: 'user' | 'system', content = 'hel') => ({
  messages: [{ role, content }],
  addGenerationPrompt: true,
});

test('a thread encodes, decodes and renders, job after job; a refused job disturbs none', async (t) => {
  const text = await startTiny(t, TINY_TEMPLATE);
  const [ids, chat, refused, decoded, tokens] = await Promise.allSettled([
    text.encode('hello'),
    text.encodeChat(ask('user')),
    text.encodeChat({ messages: [] }),
    text.decode([ID.hel, 0x6c, 0x6f]),
    text.tokens([ID.hel]),
  ]);
  t.like(ids, { value: [ID.hel, 0x6c, 0x6f] });
  t.is(await text.decode((chat as PromiseFulfilledResult<number[]>).value), 'u:hel;a:');
  t.like(refused, { reason: { kind: 'ChatTemplateError' } });
  t.like(decoded, { value: 'hello' });
  t.like(tokens, { value: ['hel'] });
  t.is(createVocabulary(text.vocabulary).textOf(ID.hel), 'hel');
  t.true(createVocabulary(text.vocabulary).isSpecial(ID.end));
  t.like(await t.throwsAsync(text.encode('\ud800'), { instanceOf: ApiError }), {
    ...{ status: 400, message: 'cannot encode half of a surrogate pair; send whole characters' },
  });
});

test('options reach the tokenizer and the template', async (t) => {
  const single = [{ SpecialToken: { id: '<|end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
  const special_tokens = { '<|end|>': { id: '<|end|>', ids: [ID.end], tokens: ['<|end|>'] } };
  const post_processor = { type: 'TemplateProcessing', single, pair: single, special_tokens };
  const dir = modelDir(t, {
    'tokenizer.json': { ...tinyTokenizerJson(), post_processor },
    'tokenizer_config.json': { ...TINY_TOKENIZER_CONFIG, chat_template: TINY_TEMPLATE },
  });
  const text = closing(t, await TextThread.start(dir));
  t.deepEqual(await text.encode('a'), [ID.end, 0x61]);
  t.deepEqual(await text.encode('a', { addSpecialTokens: false }), [0x61]);
  t.is(await text.decode([ID.end, 0x61]), '<|end|>a');
  t.is(await text.decode([ID.end, 0x61], { skipSpecialTokens: true }), 'a');
  const chat = { ...ask('user'), addGenerationPrompt: false, enableThinking: false, toolsJson: '[{}]' };
  // The template writes all special tokens of a prompt itself.
  t.is(await text.decode(await text.encodeChat(chat)), 'u:hel;1 tools;answer;');
});

test('closing ends the job that is done and those that wait', async (t) => {
  const text = await startTiny(t, ENDLESS);
  const jobs = Promise.allSettled([text.encodeChat(ask('system')), text.encode('hel')]);
  await text.close();
  for (const job of await jobs) t.like(job, { reason: { name: 'EngineClosedError' } });
});

test('what a template writes of JSON is what was sent, and what is no JSON is refused', async (t) => {
  const text = await startTiny(t, '{{ tools | tojson }}{{ messages[0].tool_calls[0].function.arguments }}');
  const ask = (json: string) => {
    const tool_calls = [{ function: { name: 'f', arguments: json } }];
    const toolsJson = '[{"n": 9007199254740993, "10": 1.0}]';
    const messages = [{ role: 'assistant' as const, content: '', tool_calls }];
    return text.encodeChat({ messages, toolsJson, argumentsAsJson: true });
  };
  t.is(await text.decode(await ask('{"a":1e5}')), '[{"n": 9007199254740993, "10": 1.0}]{"a": 1e5}');
  const option = 'messages[0].tool_calls[0].function.arguments';
  t.like(await t.throwsAsync(ask('[1]')), { kind: 'OptionError', option });
  for (const levels of [8000, 100_000]) {
    const deep = `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    t.like(await t.throwsAsync(ask(deep)), { kind: 'OptionError', option });
    t.deepEqual(await text.encode('hel'), [ID.hel]);
  }
});

test('a template that does not end is refused, and the jobs after it are done in a new thread', async (t) => {
  const text = await startTiny(t, ENDLESS, { jobMs: 150 });
  const [endless, next] = await Promise.allSettled([text.encodeChat(ask('system')), text.encode('hel')]);
  const message = 'cannot compute the chat template and its tokens within 150 ms; send less';
  t.like(endless, { reason: { status: 400, message } });
  t.deepEqual((next as PromiseFulfilledResult<unknown>).value, [ID.hel]);
});

test('a thread that runs out of memory refuses its job, and the jobs after it are done in a new one', async (t) => {
  const text = await startTiny(t, GREEDY, { maxHeapMb: 32, jobMs: 100_000 });
  const [greedy, next] = await Promise.allSettled([text.encodeChat(ask('system')), text.encode('hel')]);
  const message = /^cannot process the text: .* reaching memory limit/;
  t.regex((greedy as PromiseRejectedResult).reason.message, message);
  t.like(greedy, { reason: { status: 400 } });
  t.like(next, { status: 'fulfilled', value: [ID.hel] });
  t.is(await text.decode(await text.encodeChat(ask('user'))), 'u:hel;a:');
});

test.serial('the time limit of a job that is done ends no other', async (t) => {
  const text = await startTiny(t, TINY_TEMPLATE, { jobMs: 12_345 });
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  t.deepEqual(await text.encode('hel'), [ID.hel]);
  mock.timers.tick(12_345);
  t.deepEqual(await text.encode('hel'), [ID.hel], 'a job after the time limit of the one before');
});

test('a model without a chat template refuses conversations alone', async (t) => {
  const text = await startTiny(t, undefined);
  t.like(await t.throwsAsync(text.encodeChat(ask('user'))), { kind: 'ChatTemplateError' });
  t.deepEqual(await text.encode('hel'), [ID.hel]);
  await text.close();
  await t.throwsAsync(text.encode('hel'), { name: 'EngineClosedError' });
});

test('a model without a tokenizer is an error, and leaves no thread', async (t) => {
  t.like(await t.throwsAsync(TextThread.start('/nowhere')), { kind: 'TokenizerError' });
});
