import test from 'ava';
import {
  ChatTemplateError,
  GroupError,
  NonFiniteError,
  OptionError,
  PromptError,
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
  t.is(new ApiError(507, 'full').toBody().error.type, 'server_error');
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
  t.like(toApiError(new ThreadError(toErrorData(new PromptError('too long')))), {
    status: 400,
    message: 'too long',
  });
  t.like(toApiError(new ChatTemplateError('no role')), { status: 400, message: 'no role' });
  t.like(toApiError(new GroupError('Rank 1 died', [1])), { status: 503, message: 'Rank 1 died' });
  t.like(toApiError(new ThreadError(toErrorData(new NonFiniteError('NaN in layer 3')))), {
    status: 500,
    message: 'NaN in layer 3',
  });
  const bug = toApiError(new TypeError('secret path'));
  const bugInThread = toApiError(new ThreadError(toErrorData(bug.cause)));
  for (const { status, message } of [bug, bugInThread]) {
    t.is(status, 500);
    t.notRegex(message, /secret/);
  }
  t.is(bug.cause instanceof TypeError, true);
  const known = new ApiError(404, 'gone');
  t.is(toApiError(known), known);
});
