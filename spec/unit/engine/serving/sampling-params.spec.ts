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

/** Values that no number may be, and what each is shown as. */
const NO_NUMBERS = [
  [NaN, 'NaN'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
  ['1', '"1"'],
  [null, 'null'],
  [true, 'true'],
] as const;
const TEMPERATURE = '0 (greedy), or a finite number, 0.001 or more';
const VOCABULARY = 'a whole number from 0 to 100, the size of the vocabulary';
const ID = 'a token id, a whole number from 0 to 99';
/** What each number may be, and the nearest values that it may not be. */
const NUMBER_OPTIONS: [name: string, expected: string, refused: number[]][] = [
  ['temperature', TEMPERATURE, [-0.001, 0.0009]],
  ['topK', 'a whole number, 0 or more', [-1, 1.5]],
  ['topP', 'a number from 0 to 1', [-0.01, 1.01]],
  ['minP', 'a number from 0 to 1', [-0.01, 1.01]],
  ['repetitionPenalty', 'a finite number above 0', [0, -1]],
  ['presencePenalty', 'a number from -2 to 2', [-2.01, 2.01]],
  ['frequencyPenalty', 'a number from -2 to 2', [-2.01, 2.01]],
  ['seed', 'a whole number from 0 to 9007199254740991', [-1, 0.5, 2 ** 53]],
  ['minNewTokens', 'a whole number, 0 or more', [-1, 0.5]],
  ['n', 'a whole number from 1 to 1024', [0, 1.5, 1025]],
  ['logprobs', VOCABULARY, [-1, 0.5, 101]],
  ['promptLogprobs', VOCABULARY, [-1, 0.5, 101]],
];
for (const [name, expected, numbers] of NUMBER_OPTIONS) {
  test(`refused: a ${name} that is not ${expected}`, (t) => {
    for (const [value, shown] of [...NO_NUMBERS, ...numbers.map((number) => [number, number] as const)]) {
      t.throws(() => complete({ temperature: 1, [name]: value }), {
        instanceOf: OptionError,
        message: `${name} is ${shown}; expected ${expected}`,
      });
    }
  });
}

const REFUSED: [options: object, message: string][] = [
  [
    { minNewTokens: 1, stopTokenIds: Array.from({ length: 100 }, (_, id) => id) },
    'minNewTokens is 1; expected 0, because every token of the vocabulary is a stop token',
  ],
  [{ n: 2 }, 'n is 2; expected 1 with temperature 0, because greedy samples are all the same'],
  [{ ignoreEos: 1 }, 'ignoreEos is 1; expected true or false'],
  [{ stopTokenIds: 3 }, 'stopTokenIds is 3; expected an array of token ids'],
  [{ stopTokenIds: [3, 100] }, `stopTokenIds[1] is 100; expected ${ID}`],
  [{ stopTokenIds: [-1] }, `stopTokenIds[0] is -1; expected ${ID}`],
  [{ stopTokenIds: [0, 99, '3'] }, `stopTokenIds[2] is "3"; expected ${ID}`],
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
  ...['100', '-1', '', '05', '1.5', 'a'].map((key): [object, string] => [
    { logitBias: { [key]: 1 } },
    `a key of logitBias is "${key}"; expected ${ID}`,
  ]),
  ...[
    [-100.5, '-100.5'],
    [100.5, '100.5'],
    [NaN, 'NaN'],
    ['1', '"1"'],
  ].map(([bias, shown]): [object, string] => [
    { logitBias: { 0: 1, 5: bias } },
    `logitBias[5] is ${shown}; expected a number from -100 to 100`,
  ]),
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
