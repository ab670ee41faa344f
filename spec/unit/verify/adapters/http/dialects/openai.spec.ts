import test from 'ava';
import type { Question } from '../../../../../../verify/adapters/http/dialect.ts';
import { openai } from '../../../../../../verify/adapters/http/dialects/openai.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const QUESTION: Question = { asked: 'forward', prompt: { ids: [1, 2] }, maxNewTokens: 1, top: 2 };
const answer = (choice: object = {}) => ({
  choices: [
    {
      text: 'x',
      finish_reason: 'length',
      logprobs: { tokens: ['x'], top_logprobs: [{ x: -1, y: -2 }] },
      ...choice,
    },
  ],
  usage: { prompt_tokens: 2 },
});

test("a request has OpenAI's fields alone", (t) => {
  t.deepEqual(openai.completionRequest(QUESTION, 'm'), {
    method: 'POST',
    path: '/v1/completions',
    body: {
      model: 'm',
      prompt: [1, 2],
      max_tokens: 1,
      temperature: 0,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      logprobs: 2,
    },
  });
  const { body } = openai.completionRequest({ ...QUESTION, prompt: { text: 'hi' } }, 'm');
  t.like(body, { prompt: 'hi' });
});

test('tokens, rows and the count of the prompt are read', (t) => {
  t.deepEqual(openai.readCompletion(answer(), QUESTION), {
    tokens: [{ text: 'x' }],
    rows: [
      [
        { text: 'x', logprob: -1 },
        { text: 'y', logprob: -2 },
      ],
    ],
    promptLength: 2,
    finishReason: 'length',
  });
  t.deepEqual(openai.readCompletion(answer({ logprobs: null }), QUESTION).tokens, []);
});

test('answers of another form are refused', (t) => {
  for (const wrong of [null, { choices: [{}, {}] }, answer({ logprobs: { content: [{}] } })]) {
    t.throws(() => openai.readCompletion(wrong, QUESTION), {
      instanceOf: SubjectError,
      message: /^forward: /,
    });
  }
});
