import test from 'ava';
import {
  ChatTemplateError,
  EngineClosedError,
  GroupError,
  KernelError,
  NonFiniteError,
  OptionError,
  PromptError,
  ServerError,
  TokenizerError,
} from '../../../../engine/errors.ts';
import { ApiError, toApiError } from '../../../../engine/server/api-error.ts';
import { ThreadError, toErrorData } from '../../../../engine/server/thread-error.ts';

test('the body of an error has the form of OpenAI', (t) => {
  const error = new ApiError(400, 'top_p is 3; expected 0 to 1', { param: 'top_p' });
  t.deepEqual(error.toBody(), {
    error: { message: error.message, type: 'invalid_request_error', param: 'top_p', code: 400 },
  });
  t.like(new ApiError(429, 'full', { retryAfter: 1 }).toBody().error, {
    type: 'rate_limit_error',
    param: null,
  });
  const typeOf = (status: number) => new ApiError(status, '').toBody().error.type;
  t.deepEqual(
    [400, 401, 404, 405, 408, 413, 429, 499, 500, 503, 504, 507].map((status) => [status, typeOf(status)]),
    [
      [400, 'invalid_request_error'],
      [401, 'authentication_error'],
      [404, 'not_found_error'],
      [405, 'invalid_request_error'],
      [408, 'timeout_error'],
      [413, 'invalid_request_error'],
      [429, 'rate_limit_error'],
      [499, 'invalid_request_error'],
      [500, 'server_error'],
      [503, 'service_unavailable_error'],
      [504, 'server_error'],
      [507, 'server_error'],
    ],
  );
});

test('an option that the engine refuses is named as in the API, in this thread or another', (t) => {
  for (const [option, param, shown = param] of [
    ['topP', 'top_p'],
    ['maxNewTokens', 'max_tokens'],
    ['promptLogprobs', 'prompt_logprobs'],
    ['stopTokenIds[2]', 'stop_token_ids[2]'],
    ['stop[0]', 'stop[0]'],
    ['a key of logitBias', 'logit_bias', 'a key of logit_bias'],
  ]) {
    const error = new OptionError(option, 3, 'less');
    for (const thrown of [error, new ThreadError(toErrorData(error))]) {
      const { status, param: named, message } = toApiError(thrown);
      t.deepEqual([status, named, message], [400, param, `${shown} is 3; expected less`]);
    }
  }
});

test('what a request causes is 400, a broken engine 503, a bug 500 without its message', (t) => {
  for (const [error, status] of [
    [new PromptError('too long'), 400],
    [new OptionError('x', 1, 'less'), 400],
    [new TokenizerError('no such id'), 400],
    [new ChatTemplateError('no role'), 400],
    [new NonFiniteError('NaN in layer 3'), 500],
    [new GroupError('Rank 1 died', [1]), 503],
    [new KernelError('no memory'), 503],
    [new EngineClosedError(), 503],
    [new ServerError('it ends'), 503],
  ] as const) {
    for (const thrown of [error, new ThreadError(toErrorData(error))]) {
      const answer = toApiError(thrown);
      t.deepEqual([answer.status, answer.message], [status, error.message], error.name);
      t.is(answer.cause, thrown);
    }
  }
  const bug = toApiError(new TypeError('secret path'));
  const bugInThread = toApiError(new ThreadError(toErrorData(bug.cause)));
  for (const { status, message } of [bug, bugInThread]) {
    t.deepEqual([status, message], [500, 'the server failed to answer; its log says more']);
  }
  t.true(bug.cause instanceof TypeError);
  t.is(toApiError('thrown').status, 500);
  const known = new ApiError(404, 'gone');
  t.is(toApiError(known), known);
});
