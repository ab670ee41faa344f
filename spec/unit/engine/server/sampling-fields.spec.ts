import test from 'ava';
import { z } from 'zod';
import { toApiError } from '../../../../engine/server/api-error.ts';
import { parseBody } from '../../../../engine/server/request-body.ts';
import { commonFields, toSamplingOptions } from '../../../../engine/server/sampling-fields.ts';

const LIMITS = { vocabSize: 100 };
const apiErrorOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    const { status, param, message } = toApiError(error);
    return { status, param, message };
  }
  return undefined;
};

test('fields have the names of vLLM', (t) => {
  const options = toSamplingOptions(
    {
      ...{ temperature: 0.5, top_k: 3, top_p: 0.9, min_p: 0.1, repetition_penalty: 1.1, presence_penalty: 1 },
      ...{ frequency_penalty: -1, logit_bias: { 7: -100 }, seed: 5, min_tokens: 2, stop_token_ids: [4] },
      ...{ stop: ['a'], ignore_eos: true, n: 2, unknown: 1 },
    },
    LIMITS,
  );
  t.deepEqual(options, {
    ...{ temperature: 0.5, topK: 3, topP: 0.9, minP: 0.1, repetitionPenalty: 1.1, presencePenalty: 1 },
    ...{ frequencyPenalty: -1, logitBias: { 7: -100 }, seed: 5, minNewTokens: 2, stopTokenIds: [4] },
    ...{ stop: ['a'], ignoreEos: true, n: 2 },
  });
});

test('without a temperature it is 1, without a seed one is drawn', (t) => {
  const drawn = [1, 2].map(() => toSamplingOptions({ temperature: null, seed: null, stop: null }, LIMITS));
  for (const { seed, ...others } of drawn) {
    t.deepEqual(others, { temperature: 1 });
    t.true(Number.isSafeInteger(seed));
  }
  t.not(drawn[0].seed, drawn[1].seed);
});

test('a top_k of −1 draws from all, and a stop string may stand alone', (t) => {
  t.like(toSamplingOptions({ top_k: -1, stop: 'END' }, LIMITS), { topK: 0, stop: ['END'] });
});

for (const [body, param, expected] of [
  [
    { temperature: '1' },
    'temperature',
    'temperature is "1"; expected 0 (greedy), or a finite number, 0.001 or more',
  ],
  [{ top_k: -2 }, 'top_k', 'top_k is -2; expected a whole number, 0 or more'],
  [
    { logit_bias: { x: 1 } },
    'logit_bias',
    'a key of logit_bias is "x"; expected a token id, a whole number from 0 to 99',
  ],
  [{ logit_bias: { 7: 101 } }, 'logit_bias[7]', 'logit_bias[7] is 101; expected a number from -100 to 100'],
  [
    { stop_token_ids: [1, 100] },
    'stop_token_ids[1]',
    'stop_token_ids[1] is 100; expected a token id, a whole number from 0 to 99',
  ],
  [
    { stop_token_ids: Array(1025).fill(0) },
    'stop_token_ids',
    'stop_token_ids is [ 0, 0, 0, 0, 0, 0, 0, 0, ... 1017 more items ]; expected an array of at most 1024 token ids',
  ],
  [
    { n: 2, temperature: 0 },
    'n',
    'n is 2; expected 1 with temperature 0, because greedy samples are all the same',
  ],
  [{ n: 1025 }, 'n', 'n is 1025; expected a whole number from 1 to 1024'],
  [{ seed: -1 }, 'seed', 'seed is -1; expected a whole number from 0 to 9007199254740991'],
  [{ stop: '' }, 'stop', 'stop is ""; expected a string of 1 to 1024 characters, without lone surrogates'],
  [
    { stop: ['a', '\ud83d'] },
    'stop[1]',
    'stop[1] is "\\ud83d"; expected a string of 1 to 1024 characters, without lone surrogates',
  ],
  [
    { stop: ['a'.repeat(1025)] },
    'stop[0]',
    "stop[0] is 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'... 965 more characters; expected a string of 1 to 1024 characters, without lone surrogates",
  ],
  [
    { stop: Array(65).fill('a') },
    'stop',
    "stop is [ 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', ... 57 more items ]; expected an array of at most 64 strings",
  ],
  [{ stop: 7 }, 'stop', 'stop is 7; expected a string, or an array of strings'],
] as const) {
  test(`refused: ${JSON.stringify(body).slice(0, 60)}`, (t) => {
    const error = apiErrorOf(() => toSamplingOptions(body, LIMITS));
    t.deepEqual(error, { status: 400, param, message: expected });
  });
}

test('the fields that all routes share are checked', (t) => {
  const parse = (body: object) => parseBody(z.looseObject(commonFields), body);
  t.notThrows(() =>
    parse({ model: 'm', stream: true, stream_options: { include_usage: null }, cache_salt: 'x' }),
  );
  t.like(
    apiErrorOf(() => parse({ stream_options: { include_usage: 1 } })),
    {
      param: 'stream_options.include_usage',
      message: 'cannot read stream_options.include_usage: expected true or false',
    },
  );
  t.notThrows(() => parse({ cache_salt: 'a'.repeat(1024) }));
  for (const cache_salt of ['', 'a'.repeat(1025), '\udc00']) {
    t.deepEqual(
      apiErrorOf(() => parse({ cache_salt })),
      {
        ...{ status: 400, param: 'cache_salt' },
        message: 'cannot read cache_salt: expected 1 to 1024 characters without lone surrogates',
      },
    );
  }
  for (const [field, expected] of [
    ...['stream', 'return_token_ids', 'return_tokens_as_token_ids', 'skip_special_tokens'].map((flag) => [
      flag,
      'true or false',
    ]),
    ...['model', 'cache_salt'].map((text) => [text, 'a string']),
    ['stream_options', 'an object'],
  ]) {
    t.notThrows(() => parse({ [field]: null }));
    t.deepEqual(
      apiErrorOf(() => parse({ [field]: 1 })),
      { status: 400, param: field, message: `cannot read ${field}: expected ${expected}` },
    );
  }
  t.is(
    apiErrorOf(() => parse({ stream_options: { continuous_usage_stats: 1 } }))?.param,
    'stream_options.continuous_usage_stats',
  );
});

test('as many and as long stop strings and stop tokens as are allowed are taken', (t) => {
  const [stop, stop_token_ids] = [Array(64).fill('a'.repeat(1024)), Array(1024).fill(0)];
  t.like(toSamplingOptions({ stop, stop_token_ids }, LIMITS), { stop, stopTokenIds: stop_token_ids });
  t.deepEqual(toSamplingOptions({ stop: [] }, LIMITS).stop, []);
});
