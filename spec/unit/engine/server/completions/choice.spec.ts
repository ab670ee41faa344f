import test from 'ava';
import { Choice } from '../../../../../engine/server/completions/choice.ts';
import { parseCompletion } from '../../../../../engine/server/completions/request.ts';
import type { GenerateResult } from '../../../../../engine/serving/requests.ts';
import { EOS, fakeContext } from '../fake-engine.ts';

const context = fakeContext();
const [A, B, C3, A9] = [0, 1, 7, 8];
const PROMPT = [B, C3, A9];
const row = (token: number, logprob: number) => ({
  ...{ token, logprob },
  top: [
    { token: A, logprob: -0.5 },
    { token: B, logprob: -1 },
  ],
});
const RESULT: GenerateResult = {
  ...{ promptTokens: 3, cachedTokens: 0, tokens: [A, C3, EOS], text: 'a\ufffd', finishReason: 'stop' },
  ...{ stopReason: undefined, fingerprint: 'f', timing: { prefillMs: 0, decodeMs: 0 } },
  logprobs: [row(A, -0.5), row(C3, -3), row(EOS, -2)],
  promptLogprobs: [
    { ...row(C3, -4), rank: 3 },
    { ...row(A9, -5), rank: 4 },
  ],
};
const choiceOf = (body: object) =>
  new Choice(3, PROMPT, parseCompletion({ prompt: PROMPT, ...body }, context), context.vocabulary);

test('a whole choice has what the request asks for, and no more', async (t) => {
  const end = { finish_reason: 'stop', stop_reason: null, fingerprint: 'f' } as const;
  t.deepEqual(await choiceOf({}).whole(RESULT), { ...end, index: 3, text: 'a\ufffd', logprobs: null });
  t.deepEqual(await choiceOf({ return_token_ids: true }).whole(RESULT), {
    ...{ ...end, index: 3, text: 'a\ufffd', logprobs: null },
    ...{ token_ids: RESULT.tokens, prompt_token_ids: PROMPT },
  });
});

test('log-probabilities are of the tokens, with the most probable that were asked for', async (t) => {
  const { logprobs } = await choiceOf({ logprobs: 1 }).whole(RESULT);
  t.deepEqual(JSON.parse(JSON.stringify(logprobs)), {
    // The special token is not in the text.
    text_offset: [0, 1, 1],
    tokens: ['a', 'bytes:\\xc3', '<eos>'],
    token_logprobs: [-0.5, -3, -2],
    top_logprobs: [{ a: -0.5 }, { a: -0.5, 'bytes:\\xc3': -3 }, { a: -0.5, '<eos>': -2 }],
  });
  t.deepEqual(
    (await choiceOf({ prompt_logprobs: 0, return_tokens_as_token_ids: true }).whole(RESULT)).prompt_logprobs,
    [
      null,
      { [C3]: { logprob: -4, rank: 3, decoded_token: `token_id:${C3}` } },
      { [A9]: { logprob: -5, rank: 4, decoded_token: `token_id:${A9}` } },
    ],
  );
});

test('an echoed prompt comes before the text, and its first token has no log-probability', async (t) => {
  const { text, logprobs } = await choiceOf({ echo: true, logprobs: 0 }).whole(RESULT);
  t.is(text, 'béa\ufffd');
  t.deepEqual(logprobs?.text_offset, [0, 1, 1, 2, 3, 3]);
  t.deepEqual(logprobs?.token_logprobs, [null, -4, -5, -0.5, -3, -2]);
  t.deepEqual({ ...logprobs?.top_logprobs[2] }, { 'bytes:\\xa9': -5 });
});

test('parts have the ids of the prompt once, and the end has no token', async (t) => {
  const choice = choiceOf({ echo: true, return_token_ids: true, stop_token_ids: [EOS] });
  const event = { type: 'token', request: 0, sample: 0, logits: undefined, logprobs: undefined } as const;
  const parts = [
    await choice.prompt(undefined),
    choice.token({ ...event, token: A, text: 'a' }),
    choice.end({ ...RESULT, stopReason: EOS }),
  ];
  t.deepEqual(
    parts.map(({ text, token_ids, prompt_token_ids }) => [text, token_ids, prompt_token_ids]),
    [
      ['bé', [], PROMPT],
      ['a', [A], undefined],
      ['', [], undefined],
    ],
  );
  t.like(parts[2], { finish_reason: 'stop', stop_reason: EOS, fingerprint: 'f', logprobs: null });
  t.is(choice.numTokens, 1);
});
