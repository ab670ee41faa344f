import test from 'ava';
import fc from 'fast-check';
import type { ChatCompletion, ChatCompletionChunk } from '../../../../../engine/server/chat/shapes.ts';
import { answer, CALL, stream, THINKING, tools } from './ask.ts';
import { scriptedContext } from './scripted-context.ts';

/** The answer that a client puts together from the chunks. */
function joined(chunks: readonly ChatCompletionChunk[]): ChatCompletion['choices'] {
  const choices: ChatCompletion['choices'] = [];
  for (const { index, delta, logprobs, finish_reason, token_ids, ...end } of chunks.flatMap(
    (c) => c.choices,
  )) {
    choices[index] ??= {
      ...{ index, logprobs: null, finish_reason: 'stop', stop_reason: null, fingerprint: '' },
      message: { role: 'assistant', content: '', refusal: null },
    };
    const { message } = choices[index];
    message.content += delta.content ?? '';
    if (delta.reasoning_content)
      message.reasoning_content = (message.reasoning_content ?? '') + delta.reasoning_content;
    for (const { index: i, ...call } of delta.tool_calls ?? []) {
      message.tool_calls ??= [];
      message.tool_calls[i] = call;
    }
    if (logprobs) {
      choices[index].logprobs ??= { content: [], refusal: null };
      choices[index].logprobs.content.push(...logprobs.content);
    }
    if (token_ids) choices[index].token_ids = [...(choices[index].token_ids ?? []), ...token_ids];
    if (finish_reason) Object.assign(choices[index], { finish_reason, ...end });
  }
  for (const { message } of choices) {
    if (message.content === '' && (message.reasoning_content ?? message.tool_calls)) message.content = null;
  }
  return choices;
}

test('a stream is the same answer in chunks: role, parts, end, usage', async (t) => {
  const context = scriptedContext({
    choices: [
      [...THINKING, '\n', ...CALL],
      ['Hi', '!'],
    ],
  });
  const fields = { tools, n: 2, temperature: 1, seed: 0, stream_options: { include_usage: true } };
  const chunks = await stream(fields, context);
  t.is(context.admitted, 0);
  const { id } = chunks[0];
  t.true(chunks.every((chunk) => chunk.id === id && chunk.object === 'chat.completion.chunk'));
  const role = { delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null };
  t.deepEqual(
    chunks.slice(0, 2).map(({ choices }) => choices as object[]),
    [0, 1].map((index) => [{ index, ...role }]),
  );
  const deltas = chunks.slice(2).flatMap(({ choices }) => choices.filter(({ index }) => index === 0));
  t.deepEqual(
    deltas.map(({ delta }) => ({
      ...delta,
      ...(delta.tool_calls && { tool_calls: delta.tool_calls.length }),
    })),
    [
      ...['\n', 'Hm', '.', '\n'].map((text) => ({ reasoning_content: text })),
      ...['\n\nYes', '.', '\n'].map((content) => ({ content })),
      ...[{ tool_calls: 1 }, {}],
    ],
  );
  t.deepEqual(deltas.map(({ finish_reason }) => finish_reason).filter(Boolean), ['tool_calls']);
  const last = chunks.at(-1);
  t.deepEqual(last?.choices, []);
  t.deepEqual(last?.usage, {
    ...{ prompt_tokens: 3, completion_tokens: 20, total_tokens: 23 },
    prompt_tokens_details: { cached_tokens: 1 },
  });
  t.true(chunks.slice(0, -1).every(({ usage }) => usage === null));
});

test('a stream can have the usage of its choice in every chunk', async (t) => {
  const stream_options = { continuous_usage_stats: true, include_usage: true };
  const chunks = await stream({ stream_options }, scriptedContext());
  t.deepEqual(
    chunks.map(({ usage }) => [usage?.prompt_tokens, usage?.completion_tokens, usage?.total_tokens]),
    [
      [3, 0, 3],
      [3, 1, 4],
      [3, 2, 5],
      [3, 3, 6],
      [3, 3, 6],
    ],
  );
  const script = { choices: [['a', 'b'], ['c']] };
  const fields = { n: 2, temperature: 1, seed: 0, stream_options: { continuous_usage_stats: true } };
  const ofTwo = await stream(fields, scriptedContext(script));
  t.deepEqual(
    ofTwo.map(({ choices: [{ index }], usage }) => `${index}:${usage?.completion_tokens}`),
    ['0:0', '1:0', '0:1', '1:1', '0:2', '1:2', '0:3'],
  );
});

test('the ids of the prompt come with the first chunk of each choice, those of an answer with its tokens', async (t) => {
  const script = { choices: [['a', 'b'], ['c']] };
  const fields = { n: 2, temperature: 1, seed: 0, return_token_ids: true };
  const chunks = await stream(fields, scriptedContext(script));
  t.deepEqual(
    chunks.map(({ choices: [{ index, token_ids }], prompt_token_ids }) => [
      index,
      token_ids,
      prompt_token_ids,
    ]),
    [
      [0, undefined, [4, 5, 6]],
      [1, undefined, [4, 5, 6]],
      [0, [1], undefined],
      [1, [3], undefined],
      [0, [2], undefined],
      [1, [0], undefined],
      [1, undefined, undefined],
      [0, [0], undefined],
      [0, undefined, undefined],
    ],
  );
});

test('a stream without the usage says nothing of it, and a token without a part has no chunk', async (t) => {
  const chunks = await stream({ tools }, scriptedContext({ choices: [CALL] }));
  t.deepEqual(
    chunks.map(({ choices }) => Object.keys(choices[0].delta)),
    [['role', 'content'], ['tool_calls'], []],
  );
  t.true(chunks.every((chunk) => !('usage' in chunk)));
});

const pieces = fc.constantFrom(
  '<think>',
  '</think>',
  '<tool_call>',
  '</tool_call>',
  '{"name": "f", ',
  '"arguments": {}}',
  '\n',
  'a',
  '{',
  '"',
);
const scripts = fc.array(fc.array(fc.oneof(pieces, fc.constant(CALL)), { maxLength: 8 }), {
  minLength: 2,
  maxLength: 2,
});

test('for any answer, what a client joins from the chunks is the whole answer', async (t) => {
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(
        scripts,
        fc.boolean(),
        fc.integer({ min: 1, max: 12 }),
        async (texts, logprobs, max_tokens) => {
          const choices = texts.map((text) => text.flat());
          const fields = {
            tools,
            n: 2,
            temperature: 1,
            seed: 0,
            logprobs,
            max_tokens,
            return_token_ids: logprobs,
          };
          const whole = await answer(fields, { choices });
          const chunks = await stream(fields, scriptedContext({ choices }));
          const withoutIds = (text: string) => text.replaceAll(/call_[0-9a-f]{32}/g, 'call');
          t.is(
            withoutIds(JSON.stringify(sorted(joined(chunks)))),
            withoutIds(JSON.stringify(sorted(whole.choices))),
          );
        },
      ),
      { seed: 20261129, numRuns: 100 },
    ),
  );
});

/** The same with the keys of all objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, each]) => [key, sorted(each)]),
  );
}
