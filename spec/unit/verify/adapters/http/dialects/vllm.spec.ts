import test from 'ava';
import type { Question } from '../../../../../../verify/adapters/http/dialect.ts';
import { vllm } from '../../../../../../verify/adapters/http/dialects/vllm.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const QUESTION: Question = { asked: 'forward', prompt: { ids: [1, 2] }, maxNewTokens: 1, top: 2 };

/** An answer as vLLM 0.11 gives it. */
const answer = (choice: object = {}) => ({
  object: 'text_completion',
  choices: [
    {
      text: 'x',
      logprobs: {
        tokens: ['token_id:3'],
        token_logprobs: [-1],
        top_logprobs: [{ 'token_id:3': -1, 'token_id:4': -2 }],
      },
      finish_reason: 'length',
      token_ids: [3],
      prompt_token_ids: [1, 2],
      ...choice,
    },
  ],
  usage: { prompt_tokens: 2 },
});

test('a request overrides the defaults that a server takes from the model', (t) => {
  const { path, body } = vllm.completionRequest({ ...QUESTION, promptRows: true }, 'm');
  t.is(path, '/v1/completions');
  t.deepEqual(body, {
    model: 'm',
    prompt: [1, 2],
    max_tokens: 1,
    temperature: 0,
    top_k: -1,
    top_p: 1,
    min_p: 0,
    repetition_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    ignore_eos: true,
    skip_special_tokens: false,
    logprobs: 2,
    prompt_logprobs: 2,
    return_token_ids: true,
    return_tokens_as_token_ids: true,
  });
  const sampled = vllm.completionRequest({ ...QUESTION, sampling: { temperature: 2, topK: 1 } }, 'm').body;
  t.like(sampled, { temperature: 2, top_k: 1 });
  t.false('prompt_logprobs' in (sampled as object));
});

test('tokens, rows and the ids of the prompt are read', (t) => {
  t.deepEqual(vllm.readCompletion(answer(), QUESTION), {
    tokens: [{ id: 3 }],
    rows: [
      [
        { id: 3, logprob: -1 },
        { id: 4, logprob: -2 },
      ],
    ],
    promptIds: [1, 2],
    promptLength: 2,
    finishReason: 'length',
  });
});

test('rows of the prompt are read by their ids; the first token has none', (t) => {
  const prompt_logprobs = [
    null,
    { '2': { logprob: -3, rank: 9, decoded_token: 'b' }, '5': { logprob: -1, rank: 1 } },
  ];
  t.deepEqual(vllm.readCompletion(answer({ prompt_logprobs }), QUESTION).promptRows, [
    undefined,
    [
      { id: 2, logprob: -3 },
      { id: 5, logprob: -1 },
    ],
  ]);
});

test('a version before return_token_ids gives ids in place of texts', (t) => {
  const { tokens, promptIds, promptLength } = vllm.readCompletion(
    answer({ token_ids: undefined, prompt_token_ids: undefined }),
    QUESTION,
  );
  t.deepEqual([tokens, promptIds, promptLength], [[{ id: 3 }], undefined, 2]);
});

test('answers of another form are refused', (t) => {
  for (const wrong of [
    {},
    { choices: [] },
    answer({ token_ids: ['x'] }),
    answer({ token_ids: [-1] }),
    answer({ logprobs: { tokens: 'x' } }),
    answer({ prompt_logprobs: [{ x: { logprob: -1 } }] }),
    answer({ prompt_logprobs: [{ '5': { logprob: null } }] }),
    answer({ prompt_logprobs: [{ '99999999999': { logprob: -1 } }] }),
  ]) {
    t.throws(() => vllm.readCompletion(wrong, QUESTION), {
      instanceOf: SubjectError,
      message: /^forward: .*; got /,
    });
  }
});

test('texts and conversations are tokenised by the server', async (t) => {
  const asked: unknown[] = [];
  const ask = async ({ path, body }: { path: string; body?: unknown }) => {
    asked.push([path, body]);
    return { count: 2, tokens: [8, 9] };
  };
  t.deepEqual(await vllm.tokenize!(ask, 'hi', 'm'), [8, 9]);
  const conversation = {
    messages: [{ role: 'user', content: 'hi' }],
    tools: [{ type: 'function' }],
    enableThinking: false,
  };
  t.deepEqual(await vllm.tokenizeChat!(ask, conversation, 'm'), [8, 9]);
  t.deepEqual(asked, [
    ['/tokenize', { model: 'm', prompt: 'hi', add_special_tokens: true }],
    [
      '/tokenize',
      {
        model: 'm',
        messages: conversation.messages,
        add_generation_prompt: true,
        tools: conversation.tools,
        chat_template_kwargs: { enable_thinking: false },
      },
    ],
  ]);
  await t.throwsAsync(
    vllm.tokenize!(async () => ({ tokens: ['hi'] }), 'hi', 'm'),
    { instanceOf: SubjectError },
  );
});
