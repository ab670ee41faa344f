import test from 'ava';
import type { Question } from '../../../../../../verify/adapters/http/dialect.ts';
import { sglang } from '../../../../../../verify/adapters/http/dialects/sglang.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const QUESTION: Question = {
  asked: 'forward',
  prompt: { ids: [1, 2] },
  maxNewTokens: 1,
  top: 2,
  promptRows: true,
};

const answer = (meta: object = {}) => ({
  text: 'x',
  output_ids: [3],
  meta_info: {
    prompt_tokens: 2,
    finish_reason: { type: 'length', length: 1 },
    input_token_logprobs: [
      [null, 1, null],
      [-2, 2, null],
    ],
    input_top_logprobs: [
      null,
      [
        [-1, 5, null],
        [-2, 2, null],
      ],
    ],
    output_token_logprobs: [[-1, 3, null]],
    output_top_logprobs: [
      [
        [-1, 3, null],
        [-2, 4, 'y'],
      ],
    ],
    ...meta,
  },
});

test('a request is greedy, without penalties, not ended by a token', (t) => {
  const { path, body } = sglang.completionRequest(QUESTION, 'm');
  t.is(path, '/generate');
  t.like(body, { input_ids: [1, 2], return_logprob: true, top_logprobs_num: 2, logprob_start_len: 0 });
  t.like((body as { sampling_params: object }).sampling_params, {
    max_new_tokens: 1,
    temperature: 0,
    top_k: -1,
    repetition_penalty: 1,
    ignore_eos: true,
  });
  t.like(sglang.completionRequest({ ...QUESTION, promptRows: false }, 'm').body, { logprob_start_len: -1 });
});

test('triples are read as rows; the first token of a prompt has none', (t) => {
  t.deepEqual(sglang.readCompletion(answer(), QUESTION), {
    tokens: [{ id: 3 }],
    rows: [
      [
        { id: 3, logprob: -1 },
        { id: 4, logprob: -2 },
      ],
    ],
    promptRows: [
      undefined,
      [
        { id: 5, logprob: -1 },
        { id: 2, logprob: -2 },
      ],
    ],
    promptIds: [1, 2],
    promptLength: 2,
    finishReason: 'length',
  });
});

test('what was not asked for is not read', (t) => {
  t.deepEqual(sglang.readCompletion(answer(), { ...QUESTION, top: 0, promptRows: false }), {
    tokens: [{ id: 3 }],
    promptLength: 2,
    finishReason: 'length',
  });
});

test('ids come from the scored tokens where there are no others', (t) => {
  t.deepEqual(sglang.readCompletion({ ...answer(), output_ids: undefined }, QUESTION).tokens, [{ id: 3 }]);
});

test('answers of another form are refused', (t) => {
  for (const wrong of [
    [],
    {},
    answer({ output_top_logprobs: [[['x', 3, null]]] }),
    answer({ input_top_logprobs: [[[-1]]] }),
  ]) {
    t.throws(() => sglang.readCompletion(wrong, QUESTION), {
      instanceOf: SubjectError,
      message: /^forward: /,
    });
  }
});

test('texts are tokenised by the server; conversations cannot be', async (t) => {
  t.deepEqual(await sglang.tokenize!(async () => ({ tokens: [8] }), 'hi', 'm'), [8]);
  t.is(sglang.tokenizeChat, undefined);
});

test('of a stream the last event counts: each has all scores so far, and may have the ids of its part alone', (t) => {
  const scored = (...ids: number[]) => ({
    output_ids: ids.slice(-1),
    meta_info: {
      output_token_logprobs: ids.map((id) => [-1, id, null]),
      output_top_logprobs: ids.map((id) => [[-1, id, null]]),
    },
  });
  const whole = sglang.stream!.join([scored(3), scored(3, 4), scored(3, 4, 5)], 'generate');
  t.deepEqual(sglang.readCompletion(whole, { ...QUESTION, promptRows: false }).tokens, [
    { id: 3 },
    { id: 4 },
    { id: 5 },
  ]);
});
