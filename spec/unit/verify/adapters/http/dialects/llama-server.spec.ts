import test from 'ava';
import type { Question } from '../../../../../../verify/adapters/http/dialect.ts';
import { llamaServer } from '../../../../../../verify/adapters/http/dialects/llama-server.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const QUESTION: Question = { asked: 'generate', prompt: { ids: [1, 2] }, maxNewTokens: 3, top: 2 };

/** A scored token as llama-server shows it. */
const scored = (id: number) => ({
  id,
  token: 'x',
  bytes: [120],
  logprob: -1,
  top_logprobs: [{ id, token: 'x', bytes: [120], logprob: -1 }],
});
const row = (id: number) => [{ id, text: 'x', logprob: -1 }];
const answer = (tokens: number[], ids: number[], more: object = {}) => ({
  content: 'x',
  tokens,
  tokens_evaluated: 2,
  stop_type: 'limit',
  completion_probabilities: ids.map(scored),
  ...more,
});

test('a request is cold, greedy, without penalties, and may be ended by a token', (t) => {
  const { path, body } = llamaServer.completionRequest(QUESTION, undefined);
  t.is(path, '/completion');
  t.like(body, {
    prompt: [1, 2],
    n_predict: 3,
    temperature: 0,
    top_k: 0,
    top_p: 1,
    min_p: 0,
    repeat_penalty: 1,
  });
  t.like(body, {
    n_probs: 2,
    post_sampling_probs: false,
    return_tokens: true,
    cache_prompt: false,
    ignore_eos: false,
  });
  t.false('logit_bias' in (body as object));
  t.deepEqual(
    (
      llamaServer.completionRequest({ ...QUESTION, forcedToken: 5 }, undefined).body as {
        logit_bias: unknown;
      }
    ).logit_bias,
    [[5, 1e6]],
  );
});

test('tokens, rows and the count of the prompt are read', (t) => {
  t.deepEqual(llamaServer.readCompletion(answer([3, 4], [3, 4]), QUESTION), {
    tokens: [{ id: 3 }, { id: 4 }],
    rows: [row(3), row(4)],
    promptLength: 2,
    finishReason: 'limit',
  });
});

test('rows that the server leaves out in the middle of a character are missing, and those after them', (t) => {
  t.deepEqual(llamaServer.readCompletion(answer([3, 4, 5], [3, 5]), QUESTION).rows, [
    row(3),
    undefined,
    undefined,
  ]);
  t.deepEqual(
    llamaServer.readCompletion(answer([3], [], { completion_probabilities: undefined }), QUESTION).rows,
    [undefined],
  );
});

test('rows of other tokens, and more rows than tokens, are refused', (t) => {
  t.throws(() => llamaServer.readCompletion(answer([3, 4], [3, 9]), QUESTION), {
    instanceOf: SubjectError,
    message: 'generate: found a row of token 9 for token 4; expected the row of each token',
  });
  t.throws(() => llamaServer.readCompletion(answer([3], [3, 4]), QUESTION), {
    message: 'generate: found 2 rows for 1 tokens; expected one row for each token at most',
  });
  for (const wrong of [{}, answer([-1], []), answer([3], [3], { completion_probabilities: [{ id: 3 }] })]) {
    t.throws(() => llamaServer.readCompletion(wrong, QUESTION), {
      instanceOf: SubjectError,
      message: /^generate: /,
    });
  }
});

test('a conversation is rendered by /apply-template and tokenised as text', async (t) => {
  const asked: string[] = [];
  const ask = async ({ path, body }: { path: string; body?: unknown }) => {
    asked.push(`${path} ${JSON.stringify(body)}`);
    return path === '/tokenize' ? { tokens: [8] } : { prompt: '<|im_start|>' };
  };
  const messages = [{ role: 'user', content: 'hi' }];
  t.deepEqual(await llamaServer.tokenizeChat!(ask, { messages, enableThinking: true }, undefined), [8]);
  t.deepEqual(asked, [
    `/apply-template ${JSON.stringify({ messages, add_generation_prompt: true, chat_template_kwargs: { enable_thinking: true } })}`,
    '/tokenize {"content":"<|im_start|>","add_special":true,"parse_special":true}',
  ]);
});
