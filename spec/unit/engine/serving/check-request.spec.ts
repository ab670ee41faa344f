import test from 'ava';
import { parseModelConfig } from '../../../../engine/config.ts';
import { OptionError, PromptError } from '../../../../engine/errors.ts';
import { checkRequest } from '../../../../engine/serving/check-request.ts';
import type { GenerateRequest } from '../../../../engine/serving/requests.ts';
import { completeSamplingParams } from '../../../../engine/serving/sampling-params.ts';
import { DENSE_CONFIG } from '../tiny-models.ts';

const config = parseModelConfig(DENSE_CONFIG);
const REQUEST = { ids: [1, 2, 3], maxNewTokens: 5 };
const check = (options: object, hasTokenizer = false) =>
  checkRequest({ ...REQUEST, ...options } as GenerateRequest, { config, cacheTokens: 32, hasTokenizer });

test('the sampling parameters of a request are completed', (t) => {
  t.deepEqual(check({ topK: 3 }).params, completeSamplingParams({ topK: 3 }, config));
});

test('a checked request has all that was asked, and its defaults', (t) => {
  const { signal } = new AbortController();
  t.deepEqual(check({}), {
    ...{ ids: [1, 2, 3], params: completeSamplingParams({}, config), maxNewTokens: 5, signal: undefined },
    ...{ returnLogits: false, skipSpecialTokens: false, cacheSalt: undefined },
  });
  for (const asked of [
    { signal, returnLogits: true },
    { skipSpecialTokens: true, cacheSalt: '' },
    { maxNewTokens: 0, cacheSalt: 'mine' },
  ]) {
    t.deepEqual(check(asked), { ...check({}), ...asked });
  }
  const ids = [1, 2, 3];
  t.not(check({ ids }).ids, ids);
});

test('a request may fill the cache, and not exceed it', (t) => {
  t.notThrows(() => check({ maxNewTokens: 29 }));
  t.notThrows(() => check({ ids: Array(32).fill(1), maxNewTokens: 0 }));
  t.throws(() => check({ maxNewTokens: 30 }), {
    instanceOf: PromptError,
    message:
      'prompt and continuation take 33 positions (3 of the prompt); the cache has 32: raise cacheTokens',
  });
});

test('stop strings need a tokenizer', (t) => {
  t.notThrows(() => check({ stop: ['.'] }, true));
  t.throws(() => check({ stop: ['.'] }), {
    instanceOf: OptionError,
    message: "stop is [ '.' ]; expected no stop strings without text: give the engine a tokenizer",
  });
});

for (const [options, message] of [
  [{ signal: 'stop' }, 'signal is "stop"; expected an AbortSignal'],
  [{ signal: null }, 'signal is null; expected an AbortSignal'],
  [{ signal: {} }, 'signal is {}; expected an AbortSignal'],
  [{ returnLogits: 1 }, 'returnLogits is 1; expected true or false'],
  [{ skipSpecialTokens: 'no' }, 'skipSpecialTokens is "no"; expected true or false'],
  [{ cacheSalt: 5 }, 'cacheSalt is 5; expected a string'],
  [{ cacheSalt: null }, 'cacheSalt is null; expected a string'],
  [{ maxNewTokens: -1 }, 'maxNewTokens is -1; expected a whole number from 0 to 2147483647'],
  [{ topP: 2 }, 'topP is 2; expected a number from 0 to 1'],
  [{ ids: 'text' }, 'ids is "text"; expected an array of token ids'],
  [{ maxNewTokens: undefined }, 'maxNewTokens is undefined; expected a whole number from 0 to 2147483647'],
] as const) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => check(options), { instanceOf: OptionError, message });
  });
}

for (const request of [undefined, null, 7, 'prompt', []]) {
  test(`a request that is not an object is refused: ${typeof request} ${request}`, (t) => {
    t.throws(
      () =>
        checkRequest(request as unknown as GenerateRequest, { config, cacheTokens: 32, hasTokenizer: false }),
      { instanceOf: OptionError, message: /^request is .*; expected an object$/ },
    );
  });
}
