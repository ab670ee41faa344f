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

const REFUSED: [fields: object, message: string, param: string | undefined][] = [
  [{ messages: undefined }, 'messages is undefined; expected an array of at least one message', 'messages'],
  [
    { messages: [{ role: 'user' }] },
    'messages[0].content is undefined; expected a string, or an array of text parts',
    'messages[0].content',
  ],
  [{ model: 5 }, 'cannot read model: expected a string', 'model'],
  [{ stream: 'yes' }, 'cannot read stream: expected true or false', 'stream'],
  [
    { stream_options: { include_usage: true } },
    'stream_options is { include_usage: true }; expected none without stream: true',
    'stream_options',
  ],
  [{ top_logprobs: 2 }, 'top_logprobs is 2; expected none without logprobs: true', 'top_logprobs'],
  [{ logprobs: 2 }, 'cannot read logprobs: expected true or false', 'logprobs'],
  [
    { logprobs: true, top_logprobs: 21 },
    'top_logprobs is 21; expected a whole number from 0 to 6, the size of the vocabulary',
    'top_logprobs',
  ],
  [
    { prompt_logprobs: 0, stream: true },
    'prompt_logprobs is 0; expected none with stream: true',
    'prompt_logprobs',
  ],
  [
    { temperature: 'hot' },
    'temperature is "hot"; expected 0 (greedy), or a finite number, 0.001 or more',
    'temperature',
  ],
  [{ n: 0 }, 'n is 0; expected a whole number from 1 to 1024', 'n'],
  [{ top_p: 2 }, 'top_p is 2; expected a number from 0 to 1', 'top_p'],
  [
    { stop: ['a', ''] },
    'stop[1] is ""; expected a string of 1 to 1024 characters, without lone surrogates',
    'stop[1]',
  ],
  [{ tools: {} }, 'cannot read tools: expected an array of tools', 'tools'],
  [{ tools: [{ type: 'custom' }] }, 'cannot read tools[0].type: expected "function"', 'tools[0].type'],
  [
    { tools: [{ type: 'function' }] },
    'cannot read tools[0].function: expected an object with name, description and parameters',
    'tools[0].function',
  ],
  [
    { tools: [{ type: 'function', function: { name: '' } }] },
    'cannot read tools[0].function.name: expected at least one character',
    'tools[0].function.name',
  ],
  [
    { tools, tool_choice: 'required' },
    'tool_choice is "required"; expected "auto" or "none"; a model cannot be made to call here',
    'tool_choice',
  ],
  [
    { tools, tool_choice: { type: 'function', function: { name: 'f' } } },
    'tool_choice is { type: \'function\', function: { name: \'f\' } }; expected "auto" or "none"; a model cannot be made to call here',
    'tool_choice',
  ],
  [
    { parallel_tool_calls: false },
    'cannot serve parallel_tool_calls: this server does not support it; leave it out',
    'parallel_tool_calls',
  ],
  [
    { functions: [{ name: 'f' }] },
    'cannot serve functions: this server does not support it; leave it out',
    'functions',
  ],
  [
    { function_call: 'auto' },
    'cannot serve function_call: this server does not support it; leave it out',
    'function_call',
  ],
  [
    { response_format: { type: 'json_object' } },
    'cannot serve response_format: this server does not support it; leave it out',
    'response_format',
  ],
  [
    { modalities: ['text', 'audio'] },
    'cannot serve modalities: this server does not support it; leave it out',
    'modalities',
  ],
  [{ audio: { voice: 'x' } }, 'cannot serve audio: this server does not support it; leave it out', 'audio'],
  [
    { chat_template: 'x' },
    'cannot serve chat_template: this server does not support it; leave it out',
    'chat_template',
  ],
  ...[
    ...[{ documents: [{}] }, { echo: true }, { include_reasoning: false }, { media_io_kwargs: {} }],
    ...[{ mm_processor_kwargs: {} }, { prediction: {} }, { web_search_options: {} }],
    ...[{ documents: {} }, { functions: {} }, { echo: 1 }, { modalities: 'text' }, { function_call: {} }],
  ].map((fields): [object, string, string] => {
    const [key] = Object.keys(fields);
    return [fields, `cannot serve ${key}: this server does not support it; leave it out`, key];
  }),
  [
    { chat_template_kwargs: { other: 1 } },
    'cannot read chat_template_kwargs: expected an object with enable_thinking, and nothing else',
    'chat_template_kwargs',
  ],
  [
    { chat_template_kwargs: { enable_thinking: 1 } },
    'cannot read chat_template_kwargs.enable_thinking: expected true or false',
    'chat_template_kwargs.enable_thinking',
  ],
  [
    { continue_final_message: true, add_generation_prompt: true },
    'continue_final_message is true; expected false, or add_generation_prompt false',
    'continue_final_message',
  ],
];
for (const [fields, message, param] of REFUSED) {
  test(`a request is refused with ${param}: ${JSON.stringify(fields)}`, (t) => {
    const error = toApiError(t.throws(() => read(fields)));
    t.deepEqual([error.status, error.param, error.message], [400, param, message]);
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
