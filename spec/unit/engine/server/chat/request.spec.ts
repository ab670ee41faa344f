import test from 'ava';
import { toApiError } from '../../../../../engine/server/api-error.ts';
import { readChatRequest } from '../../../../../engine/server/chat/request.ts';
import { withToolsJson } from '../../../../../engine/server/request-body.ts';
import { type Script, scriptedContext } from './scripted-context.ts';

const messages = [{ role: 'user', content: 'hi' }];
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', b: 1.5, a: [] } } }];

const read = (fields: object, traits?: Script['traits']) =>
  readChatRequest({ messages, ...fields }, scriptedContext(traits && { traits }));

test('a request without options is answered with the defaults of vLLM', (t) => {
  const { generation, ...others } = read({ temperature: null, stop: null, unknown_field: 1 });
  const { seed, ...sampling } = generation;
  t.deepEqual(sampling, { temperature: 1, promptLogprobs: undefined, skipSpecialTokens: true });
  t.true(Number.isSafeInteger(seed));
  t.deepEqual(others, {
    prompt: {
      messages: [{ role: 'user', content: 'hi' }],
      addGenerationPrompt: true,
      continueFinalMessage: false,
      argumentsAsJson: true,
    },
    maxTokens: undefined,
    maxTokensField: 'max_tokens',
    hasToolCalls: false,
    ...{
      stream: false,
      includeUsage: false,
      continuousUsage: false,
      returnTokenIds: false,
      tokensAsIds: false,
    },
  });
});

test('every option reaches the engine', (t) => {
  const request = read({
    ...{ model: 'scripted', temperature: 0.5, top_k: 3, top_p: 0.9, min_p: 0.1, seed: 7, n: 2, stop: 'x' },
    ...{ logprobs: true, top_logprobs: 2, prompt_logprobs: 1, max_tokens: 1, max_completion_tokens: 3 },
    ...{
      return_token_ids: true,
      return_tokens_as_token_ids: true,
      skip_special_tokens: false,
      cache_salt: 's',
    },
  });
  const { prompt, ...others } = request;
  t.deepEqual(others, {
    generation: {
      ...{ temperature: 0.5, topK: 3, topP: 0.9, minP: 0.1, seed: 7, n: 2, stop: ['x'] },
      ...{ logprobs: 2, promptLogprobs: 1, skipSpecialTokens: false, cacheSalt: 's' },
    },
    ...{ maxTokens: 3, maxTokensField: 'max_completion_tokens', hasToolCalls: false },
    ...{ stream: false, includeUsage: false, continuousUsage: false },
    ...{ returnTokenIds: true, tokensAsIds: true },
  });
  t.deepEqual(prompt, read({}).prompt);
  t.is(read({ logprobs: true }).generation.logprobs, 0);
  t.is(read({ logprobs: false, top_logprobs: 0 }).generation.logprobs, undefined);
  const limits = [
    [{ max_tokens: 1 }, 1, 'max_tokens'],
    [{ max_tokens: 1, max_completion_tokens: null }, 1, 'max_tokens'],
    [{ max_completion_tokens: 0 }, 0, 'max_completion_tokens'],
  ] as const;
  for (const [fields, maxTokens, maxTokensField] of limits) {
    t.like(read(fields), { maxTokens, maxTokensField });
  }
  for (const [stream_options, includeUsage, continuousUsage] of [
    [null, false, false],
    [{}, false, false],
    [{ include_usage: true }, true, false],
    [{ include_usage: null, continuous_usage_stats: true }, false, true],
  ] as const) {
    t.like(read({ stream: true, stream_options }), { stream: true, includeUsage, continuousUsage });
  }
  t.true(read({ top_logprobs: 0, prompt_logprobs: null, stream: true }).stream);
});

test('tools are rendered as they were sent, and calls are looked for by default', (t) => {
  const { prompt, hasToolCalls, generation } = read({
    tools,
    tool_choice: 'auto',
    parallel_tool_calls: true,
  });
  t.is(prompt.toolsJson, JSON.stringify(tools));
  const asSent = withToolsJson({ messages, tools }, '[1.0]');
  t.is(readChatRequest(asSent, scriptedContext()).prompt.toolsJson, '[1.0]');
  t.true(hasToolCalls);
  t.false(generation.skipSpecialTokens);
  const without = read({ tools, tool_choice: 'none' });
  t.is(without.prompt.toolsJson, JSON.stringify(tools));
  t.false(without.hasToolCalls);
  t.is(read({ tools: [], tool_choice: 'auto' }).prompt.toolsJson, undefined);
  t.false(read({ tools }, { hasToolCalls: false }).hasToolCalls);
});

const REFUSED: [fields: object, message: RegExp, param: string | undefined][] = [
  [{ messages: undefined }, /^messages is undefined; expected an array/, 'messages'],
  [{ messages: [{ role: 'user' }] }, /expected a string/, 'messages[0].content'],
  [{ model: 5 }, /expected a string/, 'model'],
  [{ stream: 'yes' }, /^cannot read stream: expected true or false$/, 'stream'],
  [{ stream_options: { include_usage: true } }, /expected none without stream: true/, 'stream_options'],
  [{ top_logprobs: 2 }, /expected none without logprobs: true/, 'top_logprobs'],
  [{ logprobs: 2 }, /expected true or false/, 'logprobs'],
  [{ logprobs: true, top_logprobs: 21 }, /a whole number from 0 to 6/, 'top_logprobs'],
  [{ prompt_logprobs: 0, stream: true }, /expected none with stream: true/, 'prompt_logprobs'],
  [{ temperature: 'hot' }, /^temperature is "hot"/, 'temperature'],
  [{ n: 0 }, /^n is 0/, 'n'],
  [{ top_p: 2 }, /^top_p is 2/, 'top_p'],
  [{ stop: ['a', ''] }, /^stop\[1\] is ""/, 'stop[1]'],
  [{ tools: {} }, /expected an array of tools/, 'tools'],
  [{ tools: [{ type: 'custom' }] }, /expected "function"/, 'tools[0].type'],
  [{ tools: [{ type: 'function' }] }, /expected an object with name/, 'tools[0].function'],
  [
    { tools: [{ type: 'function', function: { name: '' } }] },
    /at least one character/,
    'tools[0].function.name',
  ],
  [
    { tools, tool_choice: 'required' },
    /^tool_choice is "required"; expected "auto" or "none"/,
    'tool_choice',
  ],
  [
    { tools, tool_choice: { type: 'function', function: { name: 'f' } } },
    /expected "auto" or/,
    'tool_choice',
  ],
  [{ parallel_tool_calls: false }, /cannot serve parallel_tool_calls/, 'parallel_tool_calls'],
  [{ functions: [{ name: 'f' }] }, /cannot serve functions/, 'functions'],
  [{ function_call: 'auto' }, /cannot serve function_call/, 'function_call'],
  [{ response_format: { type: 'json_object' } }, /cannot serve response_format/, 'response_format'],
  [{ modalities: ['text', 'audio'] }, /cannot serve modalities/, 'modalities'],
  [{ audio: { voice: 'x' } }, /cannot serve audio/, 'audio'],
  [{ chat_template: 'x' }, /cannot serve chat_template/, 'chat_template'],
  ...[
    ...[{ documents: [{}] }, { echo: true }, { include_reasoning: false }, { media_io_kwargs: {} }],
    ...[{ mm_processor_kwargs: {} }, { prediction: {} }, { web_search_options: {} }],
    ...[{ documents: {} }, { functions: {} }, { echo: 1 }, { modalities: 'text' }, { function_call: {} }],
  ].map((fields): [object, RegExp, string] => {
    const [key] = Object.keys(fields);
    return [fields, new RegExp(`^cannot serve ${key}: this server does not support it; leave it out$`), key];
  }),
  [{ chat_template_kwargs: { other: 1 } }, /expected an object with enable_thinking/, 'chat_template_kwargs'],
  [{ chat_template_kwargs: { enable_thinking: 1 } }, /true or false/, 'chat_template_kwargs.enable_thinking'],
  [
    { continue_final_message: true, add_generation_prompt: true },
    /expected false, or add_generation_prompt false/,
    'continue_final_message',
  ],
];
for (const [fields, message, param] of REFUSED) {
  test(`a request is refused with ${param}: ${JSON.stringify(fields)}`, (t) => {
    const error = toApiError(t.throws(() => read(fields)));
    t.regex(error.message, message);
    t.deepEqual([error.status, error.param], [400, param]);
  });
}

test('what is not supported may be said if it asks for nothing', (t) => {
  t.notThrows(() =>
    read({
      ...{ response_format: { type: 'text' }, modalities: ['text'], functions: [], function_call: 'none' },
      ...{ documents: [], echo: false, include_reasoning: true, parallel_tool_calls: true, audio: null },
    }),
  );
});

test('another model is not found, and tools need a template that renders them', (t) => {
  t.like(toApiError(t.throws(() => read({ model: 'gpt' }))), { status: 404, param: 'model' });
  t.like(toApiError(t.throws(() => read({ tools }, { rendersTools: false }))), {
    status: 400,
    param: 'tools',
  });
});

test('a body that is no object is refused', (t) => {
  for (const body of [undefined, null, 'x', [], 1]) {
    const error = t.throws(() => readChatRequest(body, scriptedContext()));
    t.like(toApiError(error), {
      status: 400,
      param: undefined,
      message: 'cannot read the body: expected an object',
    });
  }
});
