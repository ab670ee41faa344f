import test from 'ava';
import { OptionError } from '../../../../engine/errors.ts';
import { completeSamplingParams, type SamplingOptions } from '../../../../engine/serving/sampling-params.ts';

const CONFIG = { vocabSize: 100, eosTokenIds: [98, 99] };
const complete = (options: object) => completeSamplingParams(options as SamplingOptions, CONFIG);

test('the default is greedy decoding without penalties', (t) => {
  t.deepEqual(complete({}), {
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    logitBias: [],
    seed: 0,
    minNewTokens: 0,
    stopTokenIds: [],
    stop: [],
    ignoreEos: false,
    n: 1,
    logprobs: undefined,
    promptLogprobs: undefined,
    stopIds: [98, 99],
  });
});

test('a parameter that is given is kept, also at the edges of its range', (t) => {
  const low = { topP: 0, minP: 1, presencePenalty: -2, frequencyPenalty: -2, logprobs: 0, promptLogprobs: 0 };
  t.like(complete(low), low);
  const high = {
    temperature: 0.001,
    topK: 1e6,
    presencePenalty: 2,
    frequencyPenalty: 2,
    n: 1024,
    logprobs: 100,
  };
  t.like(complete(high), high);
  const other = {
    repetitionPenalty: 0.5,
    seed: Number.MAX_SAFE_INTEGER,
    minNewTokens: 7,
    promptLogprobs: 100,
  };
  t.like(complete(other), other);
  t.deepEqual(complete({ logitBias: { 0: -100, 99: 100 } }).logitBias, [
    [0, -100],
    [99, 100],
  ]);
  t.deepEqual(complete({ stop: ['a', '😀'] }).stop, ['a', '😀']);
});

test('a parameter that is undefined has its default', (t) => {
  t.deepEqual(complete({ temperature: undefined, stop: undefined, logprobs: undefined }), complete({}));
});

test('stop tokens are the end-of-sequence tokens and those of the request, each once', (t) => {
  t.deepEqual(complete({ stopTokenIds: [3, 98, 3] }).stopIds, [98, 99, 3]);
  t.deepEqual(complete({ stopTokenIds: [3, 98, 3], ignoreEos: true }).stopIds, [3, 98]);
  t.deepEqual(complete({ ignoreEos: true }).stopIds, []);
});

test('the parameters are frozen, and later changes to the options do not reach them', (t) => {
  const options = { stop: ['a'], stopTokenIds: [1], logitBias: { 5: 1 } };
  const params = complete(options);
  const before = structuredClone(params);
  options.stop.push('b');
  options.stopTokenIds.push(2);
  options.logitBias[5] = 2;
  t.deepEqual(params, before);
  for (const part of [params, params.stop, params.stopTokenIds, params.stopIds, params.logitBias]) {
    t.true(Object.isFrozen(part));
  }
});

const NUMBERS = 'a finite number';
const REFUSED: [options: object, message: string][] = [
  [{ temperature: -1 }, `temperature is -1; expected 0 (greedy), or ${NUMBERS}, 0.001 or more`],
  [{ temperature: 0.0009 }, `temperature is 0.0009; expected 0 (greedy), or ${NUMBERS}, 0.001 or more`],
  [{ temperature: Infinity }, `temperature is Infinity; expected 0 (greedy), or ${NUMBERS}, 0.001 or more`],
  [{ temperature: 'hot' }, `temperature is "hot"; expected 0 (greedy), or ${NUMBERS}, 0.001 or more`],
  [{ topK: -1 }, 'topK is -1; expected a whole number, 0 or more'],
  [{ topK: 1.5 }, 'topK is 1.5; expected a whole number, 0 or more'],
  [{ topP: 1.01 }, 'topP is 1.01; expected a number from 0 to 1'],
  [{ topP: NaN }, 'topP is NaN; expected a number from 0 to 1'],
  [{ topP: null }, 'topP is null; expected a number from 0 to 1'],
  [{ minP: -0.1 }, 'minP is -0.1; expected a number from 0 to 1'],
  [{ repetitionPenalty: 0 }, 'repetitionPenalty is 0; expected a finite number above 0'],
  [{ repetitionPenalty: Infinity }, 'repetitionPenalty is Infinity; expected a finite number above 0'],
  [{ presencePenalty: 2.1 }, 'presencePenalty is 2.1; expected a number from -2 to 2'],
  [{ frequencyPenalty: -2.1 }, 'frequencyPenalty is -2.1; expected a number from -2 to 2'],
  [{ seed: -1 }, 'seed is -1; expected a whole number from 0 to 9007199254740991'],
  [{ seed: 2 ** 53 }, 'seed is 9007199254740992; expected a whole number from 0 to 9007199254740991'],
  [{ minNewTokens: -1 }, 'minNewTokens is -1; expected a whole number, 0 or more'],
  [
    { minNewTokens: 1, stopTokenIds: Array.from({ length: 100 }, (_, id) => id) },
    'minNewTokens is 1; expected 0, because every token of the vocabulary is a stop token',
  ],
  [{ n: 0, temperature: 1 }, 'n is 0; expected a whole number from 1 to 1024'],
  [{ n: 1025, temperature: 1 }, 'n is 1025; expected a whole number from 1 to 1024'],
  [{ n: 2 }, 'n is 2; expected 1 with temperature 0, because greedy samples are all the same'],
  [{ logprobs: 101 }, 'logprobs is 101; expected a whole number from 0 to 100, the size of the vocabulary'],
  [{ logprobs: true }, 'logprobs is true; expected a whole number from 0 to 100, the size of the vocabulary'],
  [
    { promptLogprobs: -1 },
    'promptLogprobs is -1; expected a whole number from 0 to 100, the size of the vocabulary',
  ],
  [{ ignoreEos: 1 }, 'ignoreEos is 1; expected true or false'],
  [{ stopTokenIds: 3 }, 'stopTokenIds is 3; expected an array of token ids'],
  [{ stopTokenIds: [3, 100] }, 'stopTokenIds[1] is 100; expected a token id, a whole number from 0 to 99'],
  [{ stop: 'END' }, 'stop is "END"; expected an array of strings'],
  [
    { stop: ['a', ''] },
    'stop[1] is ""; expected a string of at least one character, without lone surrogates',
  ],
  [
    { stop: ['\ud83d'] },
    'stop[0] is "\\ud83d"; expected a string of at least one character, without lone surrogates',
  ],
  [{ stop: [1] }, 'stop[0] is 1; expected a string of at least one character, without lone surrogates'],
  [
    { logitBias: { 100: 1 } },
    'a key of logitBias is "100"; expected a token id, a whole number from 0 to 99',
  ],
  [{ logitBias: { '': 1 } }, 'a key of logitBias is ""; expected a token id, a whole number from 0 to 99'],
  [
    { logitBias: { '05': 1 } },
    'a key of logitBias is "05"; expected a token id, a whole number from 0 to 99',
  ],
  [{ logitBias: { 5: -101 } }, 'logitBias[5] is -101; expected a number from -100 to 100'],
  [
    { logitBias: [[1, 2]] },
    'logitBias is [ [ 1, 2 ] ]; expected an object whose keys are token ids and whose values are numbers',
  ],
  [
    { logitBias: null },
    'logitBias is null; expected an object whose keys are token ids and whose values are numbers',
  ],
];
for (const [options, message] of REFUSED) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => complete(options), { instanceOf: OptionError, message });
  });
}
