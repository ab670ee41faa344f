import test from 'ava';
import type { Question } from '../../../../../../verify/adapters/http/dialect.ts';
import { ollama } from '../../../../../../verify/adapters/http/dialects/ollama.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const QUESTION: Question = { asked: 'forward', prompt: { text: 'hi' }, maxNewTokens: 1, top: 2 };
const answer = (more: object = {}) => ({
  model: 'm',
  response: 'x',
  done: true,
  done_reason: 'length',
  prompt_eval_count: 1,
  logprobs: [
    {
      token: 'x',
      logprob: -1,
      bytes: [120],
      top_logprobs: [
        { token: 'x', logprob: -1 },
        { token: 'y', logprob: -2 },
      ],
    },
  ],
  ...more,
});

test('a request gives text without a template, greedy, without penalties', (t) => {
  const { path, body } = ollama.completionRequest(QUESTION, 'm');
  t.is(path, '/api/generate');
  t.like(body, { model: 'm', prompt: 'hi', raw: true, stream: false, logprobs: true, top_logprobs: 2 });
  t.like((body as { options: object }).options, {
    num_predict: 1,
    temperature: 0,
    top_k: 0,
    repeat_penalty: 1,
  });
});

test('tokens and rows are texts; the count of the prompt is read', (t) => {
  t.deepEqual(ollama.readCompletion(answer(), QUESTION), {
    tokens: [{ text: 'x' }],
    rows: [
      [
        { text: 'x', logprob: -1 },
        { text: 'y', logprob: -2 },
      ],
    ],
    promptLength: 1,
    finishReason: 'length',
  });
  t.deepEqual(
    ollama.readCompletion(answer({ logprobs: undefined }), QUESTION).tokens,
    [],
    'a version without',
  );
});

test('a stream has the texts of all its parts, and what the last of them says of the whole', (t) => {
  const part = (response: string, more: object = {}) => ({ model: 'm', response, done: false, ...more });
  const { logprobs } = answer();
  const joined = ollama.stream!.join(
    [
      part('x', { logprobs }),
      part('y', { logprobs }),
      part('', { done: true, done_reason: 'stop', prompt_eval_count: 7 }),
    ],
    'forward',
  );
  const read = ollama.readCompletion(joined, QUESTION);
  t.like(read, { tokens: [{ text: 'x' }, { text: 'x' }], promptLength: 7, finishReason: 'stop' });
  t.like(joined as object, { response: 'xy' });
});

test('answers of another form are refused', (t) => {
  for (const wrong of ['x', {}, answer({ logprobs: [{ token: 1 }] }), answer({ prompt_eval_count: -1 })]) {
    t.throws(() => ollama.readCompletion(wrong, QUESTION), {
      instanceOf: SubjectError,
      message: /^forward: /,
    });
  }
});
