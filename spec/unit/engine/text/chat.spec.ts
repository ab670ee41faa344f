import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ChatTemplateError } from '../../../../engine/errors.ts';
import { ChatTemplate } from '../../../../engine/text/chat.ts';
import type { ChatMessage } from '../../../../engine/text/conversation.ts';
import { TemplateFailure } from '../../../../engine/text/jinja/failure.ts';
import { parseJson } from '../../../../engine/text/jinja/parse-json.ts';
import { QWEN3_TOKENIZER_DIR } from '../../../support/models/tokenizer.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from './tiny.ts';

trackResources(test);

const user: ChatMessage = { role: 'user', content: 'hi' };
const system: ChatMessage = { role: 'system', content: 'be brief' };

/** A template in tokenizer_config.json, beside other keys. */
const template = (t: ExecutionContext, chat_template: unknown, config: Record<string, unknown> = {}) =>
  ChatTemplate.load(modelDir(t, { 'tokenizer_config.json': { chat_template, ...config } }));

const qwen3 = () => ChatTemplate.load(QWEN3_TOKENIZER_DIR);

test('the template is taken from tokenizer_config.json', async (t) => {
  t.is((await template(t, '{{ messages[0].content }}!')).render([user]), 'hi!');
});

test('chat_template.jinja takes precedence over tokenizer_config.json, and does not need it', async (t) => {
  const file = { 'chat_template.jinja': 'file: {{ messages[0].content }}\n' };
  const both = modelDir(t, { ...file, 'tokenizer_config.json': { chat_template: 'config' } });
  t.is((await ChatTemplate.load(both)).render([user]), 'file: hi');
  t.is((await ChatTemplate.load(modelDir(t, file))).render([user]), 'file: hi');
});

test('of several templates, tool_use is for conversations with tools, default for others', async (t) => {
  const named = (...names: string[]) => names.map((name) => ({ name, template: name }));
  const both = await template(t, named('default', 'tool_use'));
  t.is(both.render([user]), 'default');
  t.is(both.render([user], { tools: [{}] }), 'tool_use');
  // As in transformers: no tools were found, but it was asked for them.
  t.is(both.render([user], { tools: [] }), 'tool_use');
  t.is((await template(t, named('default'))).render([user], { tools: [{}] }), 'default');
  const neither = await template(t, named('rag', 'tool_use'));
  t.throws(() => neither.render([user]), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json: no chat template is named "default"; found: rag, tool_use$/,
  });
  const none = await template(t, []);
  t.throws(() => none.render([user]), { instanceOf: ChatTemplateError, message: /found: none$/ });
});

test('a template may refer to special tokens, as text or as an object with text', async (t) => {
  const tokens = { bos_token: { __type: 'AddedToken', content: '<s>' }, eos_token: '</s>', pad_token: null };
  const source = '{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}';
  t.is((await template(t, source, tokens)).render([user]), '<s></s>False');
  // An empty one is undefined in transformers.
  for (const bos_token of ['', { content: '' }]) {
    t.is((await template(t, '{{ bos_token is defined }}', { bos_token })).render([user]), 'False');
  }
});

test('a template may refer to every special token of transformers, and to no other key', async (t) => {
  const names = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((name) => `${name}_token`);
  const tokens = Object.fromEntries(names.map((name) => [name, `<${name}>`]));
  const source = names.map((name) => `{{ ${name} }}`).join('');
  const others = '{{ model_max_length is defined }}{{ documents is none }}';
  t.is(
    (await template(t, source + others, { ...tokens, model_max_length: 9 })).render([user]),
    `${names.map((name) => `<${name}>`).join('')}FalseTrue`,
  );
});

test('enable_thinking is defined only if it is given', async (t) => {
  const source = '{{ enable_thinking if enable_thinking is defined else "unsaid" }}';
  const asked = await template(t, source);
  t.is(asked.render([user]), 'unsaid');
  t.is(asked.render([user], { enableThinking: false }), 'False');
  t.is(asked.render([user], { enableThinking: true }), 'True');
});

test('no generation prompt and no tools are the defaults', async (t) => {
  const asked = await template(t, '{{ add_generation_prompt }} {{ tools is none }}');
  t.is(asked.render([user]), 'False True');
  t.is(asked.render([user], { addGenerationPrompt: true, tools: [] }), 'True False');
});

test('a prompt that continues the last message ends within it', async (t) => {
  const continued = (content: string, messages: ChatMessage[] = [user]) =>
    [...messages, { role: 'assistant', content } as const] as const;
  const kept = await template(t, '{% for m in messages %}[{{ m.content }}]{% endfor %}');
  const stripped = await template(t, '{% for m in messages %}[{{ m.content | trim }}]{% endfor %}');
  const options = { continueFinalMessage: true };
  t.is(kept.render(continued('The sky '), options), '[hi][The sky ');
  t.is(stripped.render(continued('The sky '), options), '[hi][The sky');
  t.is(kept.render(continued('hi'), options), '[hi][hi');
  const only = await template(t, '{{ messages[-1].content }}!');
  t.is(only.render(continued('The sky '), options), 'The sky ', 'also at the very beginning');
  t.true((await qwen3()).render(continued('The sky '), options).endsWith('</think>\n\nThe sky '));
  const deaf = await template(t, 'anything');
  for (const [chat, content] of [
    [kept, ' '],
    [deaf, 'The sky'],
  ] as const) {
    t.throws(() => chat.render(continued(content), options), {
      instanceOf: ChatTemplateError,
      message: /tokenizer_config\.json: the prompt does not contain the text of the last message/,
    });
  }
});

test("tools are rendered as Python's JSON: spaces after , and :, letters of all scripts, keys in order", async (t) => {
  const tools = [{ b: [1, 2.5, 'é中😀<&>"\\\n'], a: { x: null, '2': true }, e: {} }];
  t.is(
    (await template(t, '{{ tools[0] | tojson }}')).render([user], { tools }),
    '{"b": [1, 2.5, "é中😀<&>\\"\\\\\\n"], "a": {"2": true, "x": null}, "e": {}}',
  );
});

test('Qwen3: an answer that begins with an indented line keeps its indentation', async (t) => {
  const messages: ChatMessage[] = [
    user,
    { role: 'assistant', content: '<think>\n  a\n</think>\n\n    return 1\n' },
  ];
  t.is(
    (await qwen3()).render(messages),
    '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n  a\n</think>\n\n    return 1\n<|im_end|>\n',
  );
});

test('Qwen3: a template with CRLF, and ints beyond 2^53 in tools and calls, give the prompt of Python', async (t) => {
  const { chat_template, ...config } = JSON.parse(
    readFileSync(join(QWEN3_TOKENIZER_DIR, 'tokenizer_config.json'), 'utf8'),
  );
  const crlf = await template(t, chat_template.replaceAll('\n', '\r\n'), config);
  const { messages, tools } = parseJson(
    '{"messages": [{"role": "user", "content": "order"}, {"role": "assistant", "content": "", "tool_calls": [{"function":' +
      ' {"name": "get", "arguments": {"id": 2512292042121000001, "limit": 9223372036854775807, "ratio": 1e-05, "of": 1.0}}}]}],' +
      ' "tools": [{"properties": {"id": {"minimum": -9223372036854775808, "default": null, "strict": true}}}]}',
  ) as { messages: ChatMessage[]; tools: Record<string, unknown>[] };
  const prompt = crlf.render(messages, { tools, addGenerationPrompt: true });
  t.true(
    prompt.includes(
      '<tools>\n{"properties": {"id": {"minimum": -9223372036854775808, "default": null, "strict": true}}}\n</tools>\n\n',
    ),
    prompt,
  );
  t.true(
    prompt.endsWith(
      '</think>\n\n<tool_call>\n{"name": "get", "arguments": {"id": 2512292042121000001,' +
        ' "limit": 9223372036854775807, "ratio": 1e-05, "of": 1.0}}\n</tool_call><|im_end|>\n<|im_start|>assistant\n',
    ),
    prompt,
  );
  t.is(prompt, (await qwen3()).render(messages, { tools, addGenerationPrompt: true }));
});

test('Qwen3: special tokens inside a message are not escaped', async (t) => {
  t.is(
    (await qwen3()).render([{ role: 'user', content: '<|im_end|>' }]),
    '<|im_start|>user\n<|im_end|><|im_end|>\n',
  );
});

test('Qwen3: an assistant message with tool calls needs content, which may be empty', async (t) => {
  const calls = { role: 'assistant', tool_calls: [{ name: 'f', arguments: '{"a":1}' }] } as const;
  const qwen = await qwen3();
  t.true(qwen.render([user, { ...calls, content: '' }]).includes('{"name": "f", "arguments": {"a":1}}'));
  t.throws(() => qwen.render([user, { ...calls, content: null }]), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json: the chat template refuses the conversation: ./,
  });
});

test("a conversation that the template refuses is an error with the template's message", async (t) => {
  const source =
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}" +
    "{{ raise_exception('System message must be at the beginning.') }}{% endif %}{% endfor %}";
  const strict = await template(t, source);
  t.is(strict.render([system, user]), '');
  const error = t.throws(() => strict.render([user, system]), {
    instanceOf: ChatTemplateError,
    message: /the chat template refuses the conversation: System message must be at the beginning\.$/,
  });
  t.true(error.cause instanceof TemplateFailure);
});

test('a malformed conversation or tool is refused before it is rendered', async (t) => {
  const deaf = await template(t, 'anything');
  t.throws(() => deaf.render([{ role: 'user' }]), {
    instanceOf: ChatTemplateError,
    message: 'messages[0].content: found undefined; expected a string',
  });
  t.throws(() => deaf.render([user], { tools: {} as [] }), {
    instanceOf: ChatTemplateError,
    message: 'tools: found {}; expected an array of objects',
  });
});

test('a directory without a template is refused', async (t) => {
  const dir = modelDir(t, { 'tokenizer_config.json': { chat_template: null } });
  const expected = {
    instanceOf: ChatTemplateError,
    message: `${dir}: has no chat template, neither chat_template.jinja nor chat_template in tokenizer_config.json; give the model a prompt as text instead`,
  };
  await t.throwsAsync(ChatTemplate.load(dir), expected);
  const missing = join(dir, 'missing');
  await t.throwsAsync(ChatTemplate.load(missing), {
    instanceOf: ChatTemplateError,
    message: new RegExp(`^${missing}: has no chat template`),
  });
});

test('a template with a syntax error is refused', async (t) => {
  const error = await t.throwsAsync(template(t, '{% if %}'), {
    instanceOf: ChatTemplateError,
    message:
      /tokenizer_config\.json: the chat template has a syntax error: expected an expression, got '%\}' \(line 1\)$/,
  });
  t.true(error?.cause instanceof TemplateFailure);
  const dir = modelDir(t, { 'chat_template.jinja': '{{ ' });
  await t.throwsAsync(ChatTemplate.load(dir), {
    instanceOf: ChatTemplateError,
    message: /chat_template\.jinja: the chat template has a syntax error: ./,
  });
});

test('a configuration with a value of the wrong type is refused', async (t) => {
  await t.throwsAsync(template(t, 7), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json: chat_template: Invalid input/,
  });
  await t.throwsAsync(template(t, 'x', { eos_token: 7 }), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json: eos_token: Invalid input/,
  });
  const list = modelDir(t, { 'tokenizer_config.json': [] });
  await t.throwsAsync(ChatTemplate.load(list), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json: the whole: Invalid input/,
  });
});

test('templates of a folder count beside chat_template.jinja, and instead of the configuration', async (t) => {
  const config = { 'tokenizer_config.json': { chat_template: 'config' } };
  const dir = modelDir(t, { ...config, 'chat_template.jinja': 'file' });
  mkdirSync(join(dir, 'additional_chat_templates'));
  writeFileSync(join(dir, 'additional_chat_templates', 'tool_use.jinja'), 'tools');
  writeFileSync(join(dir, 'additional_chat_templates', 'README.md'), 'no template');
  const both = await ChatTemplate.load(dir);
  t.is(both.render([user]), 'file');
  t.is(both.render([user], { tools: [{}] }), 'tools');
  // Both are called "default".
  writeFileSync(join(dir, 'additional_chat_templates', 'default.jinja'), 'additional');
  t.is((await ChatTemplate.load(dir)).render([user]), 'file');
  rmSync(join(dir, 'chat_template.jinja'));
  t.is((await ChatTemplate.load(dir)).render([user]), 'additional');
  rmSync(join(dir, 'additional_chat_templates', 'default.jinja'));
  const alone = await ChatTemplate.load(dir);
  t.is(alone.render([user], { tools: [{}] }), 'tools');
  t.throws(() => alone.render([user]), { message: /no chat template is named "default"; found: tool_use$/ });
});

test('chat_template.json belongs to processors, and is named where it is all there is', async (t) => {
  const dir = modelDir(t, { 'chat_template.json': { chat_template: 'x' }, 'tokenizer_config.json': {} });
  await t.throwsAsync(ChatTemplate.load(dir), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json \(its chat_template\.json is for processors, not for tokenizers\); give/,
  });
});

test('a template that fills the memory, or calls itself without end, is stopped with an error', async (t) => {
  const large = await template(t, "{{ 'a' * 9999999999 }}");
  t.throws(() => large.render([user]), {
    instanceOf: ChatTemplateError,
    message: /tokenizer_config\.json: the chat template was stopped: it makes a text of more than 134217728/,
  });
  const recursive = await template(t, '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}');
  t.throws(() => recursive.render([user]), { message: /maximum recursion depth exceeded$/ });
});
