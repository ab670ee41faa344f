import test from 'ava';
import fc from 'fast-check';
import { ApiError, toApiError } from '../../../../../engine/server/api-error.ts';
import { chatCompletions } from '../../../../../engine/server/chat/chat-completions.ts';
import { answer, CALL, messages, signal, stream, THINKING, tools } from './ask.ts';
import { scriptedContext } from './scripted-context.ts';

test('an answer is an object of OpenAI with the fields of vLLM', async (t) => {
  const { id, created, choices, ...others } = await answer({});
  t.regex(id, /^chatcmpl-[0-9a-f]{32}$/);
  t.true(Math.abs(created - Date.now() / 1000) < 100);
  const [{ fingerprint, ...choice }] = choices;
  t.regex(fingerprint, /^[0-9a-f]{64}$/);
  t.deepEqual(choice, {
    index: 0,
    message: { role: 'assistant', content: 'Hi!', refusal: null },
    logprobs: null,
    ...{ finish_reason: 'stop', stop_reason: null },
  });
  t.deepEqual(others, {
    ...{ object: 'chat.completion', model: 'scripted', system_fingerprint: 'fp' },
    usage: {
      ...{ prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
      prompt_tokens_details: { cached_tokens: 1 },
    },
  });
});

test('thoughts and calls are parts of the message, with every digit of the arguments', async (t) => {
  const [choice] = (await answer({ tools }, { choices: [[...THINKING, '\n', ...CALL, '\n', ...CALL]] }))
    .choices;
  t.is(choice.finish_reason, 'tool_calls');
  const { tool_calls: calls = [], ...message } = choice.message;
  const content = '\n\nYes.\n';
  t.deepEqual(message, { role: 'assistant', content, refusal: null, reasoning_content: '\nHm.\n' });
  const called = { name: 'f', arguments: '{"n": 9007199254740993}' };
  t.deepEqual(
    calls.map((call) => call.function),
    [called, called],
  );
  t.is(new Set(calls.map(({ id }) => id)).size, 2);
  t.true(calls.every(({ id }) => /^call_[0-9a-f]{32}_0_[01]$/.test(id)));
});

test('without tools, or with tool_choice none, calls are content', async (t) => {
  for (const fields of [{}, { tools, tool_choice: 'none' }]) {
    const [{ message, finish_reason }] = (await answer(fields, { choices: [CALL] })).choices;
    t.deepEqual(message, { role: 'assistant', content: CALL.join(''), refusal: null });
    t.is(finish_reason, 'stop');
  }
});

test('an answer that is cut ends for its length, also after a call', async (t) => {
  const script = { choices: [[...CALL, 'And', 'then']] };
  const [{ message, finish_reason }] = (await answer({ tools, max_tokens: 7 }, script)).choices;
  t.is(finish_reason, 'length');
  t.is(message.content, 'And');
  t.is(message.tool_calls?.length, 1);
  const [cut] = (await answer({ tools, max_tokens: 3 }, script)).choices;
  t.deepEqual(cut.message, { role: 'assistant', content: CALL.slice(0, 3).join(''), refusal: null });
});

test('a prompt that has ended or begun the thoughts is followed by content or thoughts', async (t) => {
  const after = async (prompt: string[], choice: string[]) => {
    const [{ message }] = (await answer({}, { prompt, choices: [choice] })).choices;
    return [message.reasoning_content, message.content];
  };
  t.deepEqual(await after(['<think>', '</think>', '\n\n'], ['<think>', 'a']), [undefined, '<think>a']);
  t.deepEqual(await after(['<think>', '\n'], ['a', '</think>', 'b']), ['a', 'b']);
});

test('log-probabilities and ids are of all tokens, those of tags and the last one too', async (t) => {
  const script = { choices: [['<think>', 'Hm', '</think>', 'Hi']] };
  const fields = { logprobs: true, top_logprobs: 2, return_token_ids: true, prompt_logprobs: 1 };
  const { choices, prompt_token_ids, prompt_logprobs } = await answer(fields, script);
  const [{ logprobs, token_ids }] = choices;
  t.deepEqual(
    logprobs?.content.map(({ token }) => token),
    ['<think>', 'Hm', '</think>', 'Hi', '<|im_end|>'],
  );
  t.deepEqual(logprobs?.content[1].bytes, [72, 109]);
  t.deepEqual(
    logprobs?.content.map(({ top_logprobs }) => top_logprobs.length),
    [2, 2, 2, 2, 2],
  );
  t.deepEqual(token_ids, [1, 2, 3, 4, 0]);
  t.deepEqual(prompt_token_ids, [5, 6, 7]);
  t.deepEqual(
    prompt_logprobs?.map((row) => row && Object.keys(row)),
    [null, ['6'], ['7']],
  );
  const [named] = (await answer({ logprobs: true, return_tokens_as_token_ids: true })).choices;
  t.deepEqual(
    named.logprobs?.content.map(({ token }) => token),
    ['token_id:1', 'token_id:2', 'token_id:0'],
  );
});

test('a request that the engine cannot take is an error before the first chunk', async (t) => {
  const prompt = Array.from({ length: 65 }, () => 'a');
  for (const [fields, script, param] of [
    [{}, { prompt }, 'messages'],
    [{ max_tokens: 62 }, {}, 'max_tokens'],
    [{ max_completion_tokens: 'x' }, {}, 'max_completion_tokens'],
    [{ min_tokens: 5, max_tokens: 4 }, {}, 'min_tokens'],
  ] as const) {
    for (const streamed of [false, true]) {
      const context = scriptedContext(script);
      const error = await t.throwsAsync(streamed ? stream(fields, context) : answer(fields, script));
      t.like(toApiError(error), { status: 400, param });
      t.is(context.admitted, 0);
    }
  }
});

test('a conversation that the template refuses is an error of its messages', async (t) => {
  const context = scriptedContext();
  context.text.encodeChat = async () => {
    throw new ApiError(400, 'the chat template refuses the conversation');
  };
  const error = await t.throwsAsync(chatCompletions({ messages }, context, signal) as Promise<object>);
  t.like(toApiError(error), { status: 400, param: 'messages' });
  context.text.encodeChat = async () => {
    throw new Error('broken');
  };
  t.is(
    toApiError(await t.throwsAsync(chatCompletions({ messages }, context, signal) as Promise<object>)).status,
    500,
  );
});

test('an aborted request ends with the reason, and a stream that is left with its sequences', async (t) => {
  const controller = new AbortController();
  const context = scriptedContext({ beforeEvent: () => controller.abort(new Error('left')) });
  await t.throwsAsync(chatCompletions({ messages }, context, controller.signal) as Promise<object>, {
    message: 'left',
  });
  t.is(context.admitted, 0);
  const other = scriptedContext();
  for await (const _ of chatCompletions(
    { messages, stream: true },
    other,
    signal,
  ) as AsyncGenerator<object>) {
    t.is(other.admitted, 1);
    break;
  }
  t.is(other.admitted, 0);
});

test('what the queue refuses is not asked of the engine', async (t) => {
  const context = scriptedContext();
  context.admit = () => {
    throw new ApiError(429, 'the queue is full');
  };
  t.is(toApiError(await t.throwsAsync(stream({}, context))).status, 429);
  t.deepEqual(context.requests, []);
});

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, -1, 0, 1, 1e308, 2 ** 53, '\ud800', [], {}, true, 'auto', messages, tools, [
    { role: 'user' },
  ]),
  fc.constantFrom([{ type: 'text', text: 'a' }], { enable_thinking: true }, [
    { role: 'assistant', tool_calls: [null] },
  ]),
);
const names = [
  ...[
    'messages',
    'model',
    'stream',
    'stream_options',
    'tools',
    'tool_choice',
    'logprobs',
    'top_logprobs',
    'n',
    'stop',
  ],
  ...[
    'prompt_logprobs',
    'max_tokens',
    'max_completion_tokens',
    'temperature',
    'seed',
    'logit_bias',
    'top_k',
    'min_tokens',
  ],
  ...[
    'chat_template_kwargs',
    'continue_final_message',
    'add_generation_prompt',
    'response_format',
    'cache_salt',
    'audio',
  ],
  ...[
    'return_token_ids',
    'stop_token_ids',
    'ignore_eos',
    'skip_special_tokens',
    '__proto__',
    'constructor',
    'x',
  ],
];
const fields = fc
  .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 4 })
  .map((drawn) =>
    [['messages', messages], ...drawn].map((field) => field.map((each) => JSON.stringify(each)).join(':')),
  );
/** As text: JSON.parse makes `__proto__` a key like others. */
const bodies = fc.oneof(
  { weight: 9, arbitrary: fields.map((each) => `{${each}}`) },
  { weight: 1, arbitrary: fc.json() },
);

test('any body is answered, or refused with a status of the client', async (t) => {
  let [answered, refused] = [0, 0];
  const run = fc.asyncProperty(bodies, async (body) => {
    const context = scriptedContext();
    try {
      const result = chatCompletions(JSON.parse(body), context, signal);
      if (Symbol.asyncIterator in result) for await (const chunk of result) JSON.stringify(chunk);
      else JSON.stringify(await result);
      answered++;
    } catch (error) {
      const { status, param, message } = toApiError(error);
      if (status !== 400 && status !== 404) throw error;
      if (param === undefined && !message.includes('cannot read the body')) throw error;
      refused++;
    }
    return context.admitted === 0;
  });
  await t.notThrowsAsync(fc.assert(run, { seed: 20261129, numRuns: 500 }));
  t.true(answered > 50 && refused > 100, `${answered} answered, ${refused} refused`);
});
