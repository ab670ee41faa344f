import test from 'ava';
import type { Question } from '../../../../../../verify/adapters/http/dialect.ts';
import { tgi } from '../../../../../../verify/adapters/http/dialects/tgi.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const QUESTION: Question = { asked: 'forward', prompt: { text: 'hi' }, maxNewTokens: 1, top: 2 };
const token = (id: number, logprob: number) => ({ id, text: 'x', logprob, special: false });
const answer = (details: object = {}) => ({
  generated_text: 'x',
  details: {
    finish_reason: 'length',
    prefill: [{ id: 1, text: 'hi', logprob: null }],
    tokens: [token(3, -1)],
    top_tokens: [[token(3, -1), token(4, -2)]],
    ...details,
  },
});

test('a request gives text and sets no sampling', (t) => {
  const { path, body } = tgi.completionRequest({ ...QUESTION, sampling: { temperature: 2 } }, undefined);
  t.is(path, '/generate');
  t.deepEqual(body, {
    inputs: 'hi',
    parameters: {
      max_new_tokens: 1,
      do_sample: false,
      details: true,
      decoder_input_details: true,
      top_n_tokens: 2,
    },
  });
});

test("tokens, rows and the prompt's ids are read", (t) => {
  const read = tgi.readCompletion(answer(), QUESTION);
  t.like(read, { tokens: [{ id: 3, text: 'x' }], promptIds: [1], finishReason: 'length' });
  t.deepEqual(
    read.rows?.[0]?.map(({ id, logprob }) => [id, logprob]),
    [
      [3, -1],
      [4, -2],
    ],
  );
  t.is(tgi.readCompletion(answer({ prefill: [] }), QUESTION).promptIds, undefined, 'prefill is not enabled');
});

test('answers of another form are refused', (t) => {
  for (const wrong of [
    null,
    {},
    { details: null },
    answer({ tokens: [{ id: 3 }] }),
    answer({ prefill: [{ id: 'x' }] }),
  ]) {
    t.throws(() => tgi.readCompletion(wrong, QUESTION), { instanceOf: SubjectError, message: /^forward: / });
  }
});

test('texts are tokenised by the server', async (t) => {
  t.deepEqual(
    await tgi.tokenize!(async () => [{ id: 8, text: 'hi', start: 0, stop: 2 }], 'hi', undefined),
    [8],
  );
});
