import test from 'ava';
import { OptionError } from '../../../../../engine/errors.ts';
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
  const script = { choices: [[...THINKING, '\n', ...CALL, '\n', ...CALL]] };
  const { id, choices } = await answer({ tools }, script);
  const [choice] = choices;
  t.is(choice.finish_reason, 'tool_calls');
  const { tool_calls: calls = [], ...message } = choice.message;
  const content = '\n\nYes.\n';
  t.deepEqual(message, { role: 'assistant', content, refusal: null, reasoning_content: '\nHm.\n' });
  const called = { name: 'f', arguments: '{"n": 9007199254740993}' };
  const call = (i: number) => ({
    id: `${id.replace('chatcmpl-', 'call_')}_0_${i}`,
    type: 'function',
    function: called,
  });
  t.deepEqual(calls as object[], [call(0), call(1)]);
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
  const streamed = await stream({ logprobs: true, return_tokens_as_token_ids: true }, scriptedContext());
  t.deepEqual(
    streamed.flatMap(({ choices: [part] }) => part.logprobs?.content ?? []),
    named.logprobs?.content,
  );
});

test('choices that are cut, stopped and left to end say so, each of them', async (t) => {
  const script = { choices: [['a', 'b', 'c'], ['a', 'stop', 'c'], ['a']] };
  const fields = { n: 3, temperature: 1, seed: 0, max_tokens: 3, stop: 'stop', return_token_ids: true };
  const { choices, usage } = await answer(fields, script);
  t.deepEqual(
    choices.map(({ index, message, finish_reason, stop_reason, token_ids }) => {
      return [index, message.content, finish_reason, stop_reason, token_ids?.length];
    }),
    [
      [0, 'abc', 'length', null, 3],
      [1, 'a', 'stop', 'stop', 2],
      [2, 'a', 'stop', null, 2],
    ],
  );
  t.deepEqual(usage, {
    ...{ prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 },
    prompt_tokens_details: { cached_tokens: 1 },
  });
});

test('what the handler asks of the engine and of the queue is what the request says', async (t) => {
  for (const streamed of [false, true]) {
    const context = scriptedContext();
    const admitted: number[] = [];
    const { admit } = context;
    context.admit = (numSequences) => {
      admitted.push(numSequences);
      return admit.call(context, numSequences);
    };
    const fields = { n: 2, temperature: 1, seed: 5, min_tokens: 1, cache_salt: 's', logprobs: true };
    const body = { messages, ...fields, stream: streamed };
    const result = chatCompletions(body, context, signal);
    if (Symbol.asyncIterator in result) for await (const _ of result);
    else await result;
    t.deepEqual(context.requests, [
      {
        ...{ ids: [3, 4, 5], maxNewTokens: 61, n: 2, temperature: 1, seed: 5, minNewTokens: 1, logprobs: 0 },
        ...{ promptLogprobs: undefined, skipSpecialTokens: true, cacheSalt: 's', resultsOnly: !streamed },
      },
    ]);
    t.deepEqual([admitted, context.admitted], [[2], 0]);
    t.deepEqual(context.prompts, [
      {
        messages: [{ role: 'user', content: 'hi' }],
        ...{ argumentsAsJson: true, addGenerationPrompt: true, continueFinalMessage: false },
      },
    ]);
  }
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
  const ask = () => chatCompletions({ messages }, context, signal) as Promise<object>;
  t.like(toApiError(await t.throwsAsync(ask())), {
    ...{ status: 400, param: 'messages', message: 'the chat template refuses the conversation' },
  });
  context.text.encodeChat = async () => {
    throw new OptionError('tools[1]', 3, 'less');
  };
  t.like(toApiError(await t.throwsAsync(ask())), {
    ...{ status: 400, param: 'tools[1]', message: 'tools[1] is 3; expected less' },
  });
  context.text.encodeChat = async () => {
    throw new Error('broken');
  };
  t.is(toApiError(await t.throwsAsync(ask())).status, 500);
  t.is(context.admitted, 0);
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
