import test from 'ava';
import fc from 'fast-check';
import { toApiError } from '../../../../../engine/server/api-error.ts';
import { chatCompletions } from '../../../../../engine/server/chat/chat-completions.ts';
import { messages, signal, tools } from './ask.ts';
import { scriptedContext } from './scripted-context.ts';

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
