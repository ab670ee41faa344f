import test from 'ava';
import { parseModelConfig } from '../../../engine/config.ts';
import { OptionError } from '../../../engine/errors.ts';
import {
  completeEngineOptions,
  completeParallelOptions,
  type EngineOptions,
} from '../../../engine/options.ts';
import { DENSE_CONFIG } from './tiny-models.ts';

const config = parseModelConfig(DENSE_CONFIG);
const complete = (options: object) => completeEngineOptions(options as EngineOptions, config);
const completeParallel = (options: object) => completeParallelOptions(options as EngineOptions);

const DEFAULTS = {
  cacheTokens: 64,
  blockSize: 16,
  maxBatch: 16,
  maxBatchTokens: 256,
  prefillChunk: 128,
  prefillChunkAlone: 256,
  prefixCaching: true,
  promptLookup: 0,
};

test('the defaults are as documented', (t) => {
  t.deepEqual(complete({}), DEFAULTS);
  t.deepEqual(completeParallel({}), {
    tp: 1,
    ep: 1,
    numRanks: 1,
    backend: undefined,
    groupTimeoutMs: undefined,
  });
});

test('by default the cache holds the positions of the model, at most 4,096', (t) => {
  const cacheTokens = (maxPositionEmbeddings: number) =>
    completeEngineOptions({}, { ...config, maxPositionEmbeddings }).cacheTokens;
  t.deepEqual([1, 4096, 4097, 40_960].map(cacheTokens), [1, 4096, 4096, 4096]);
});

test('options of cache and steps are kept, all others left out', (t) => {
  const given = { ...DEFAULTS, cacheTokens: 5000, maxBatch: 1, prefixCaching: false, promptLookup: 7 };
  given.prefillChunkAlone = given.prefillChunk;
  const options = complete({ ...given, onProgress: () => {}, threads: 2, revectorize: true });
  t.deepEqual(options, given);
  t.true(Object.isFrozen(options));
});

test('a chunk that is given is for a sequence alone, too; else that one has the whole step', (t) => {
  const chunks = ({ prefillChunk, prefillChunkAlone }: ReturnType<typeof complete>) => [
    prefillChunk,
    prefillChunkAlone,
  ];
  t.deepEqual(chunks(complete({ prefillChunk: 7 })), [7, 7]);
  t.deepEqual(chunks(complete({ maxBatchTokens: 40 })), [128, 40]);
});

test('there are as many ranks as the larger of tp and ep', (t) => {
  for (const [tp, ep, numRanks] of [
    [1, 4, 4],
    [2, 1, 2],
    [4, 4, 4],
  ]) {
    const given = { tp, ep, backend: 'fork', groupTimeoutMs: 50 };
    t.deepEqual(completeParallel(given), { ...given, numRanks } as ReturnType<typeof completeParallel>);
  }
});

for (const option of ['cacheTokens', 'blockSize', 'maxBatch', 'maxBatchTokens', 'prefillChunk'] as const) {
  test(`${option} must be a whole number from 1 to 2^31 - 1`, (t) => {
    for (const value of [0, -16, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      t.throws(() => complete({ [option]: value }), {
        instanceOf: OptionError,
        message: `${option} is ${value}; expected a whole number from 1 to 2147483647`,
      });
    }
    for (const value of [1, 2 ** 31 - 1]) t.is(complete({ [option]: value })[option], value);
  });
}

test('the time limit of a group is whole milliseconds that a timer can wait', (t) => {
  for (const groupTimeoutMs of [1, 2 ** 31 - 1]) {
    t.is(completeParallel({ groupTimeoutMs }).groupTimeoutMs, groupTimeoutMs);
  }
  for (const groupTimeoutMs of [0, 0.5, 2 ** 31]) {
    t.throws(() => completeParallel({ groupTimeoutMs }), {
      instanceOf: OptionError,
      message: `groupTimeoutMs is ${groupTimeoutMs}; expected a whole number from 1 to 2147483647`,
    });
  }
});

test('a rank has at most 256 threads', (t) => {
  t.notThrows(() => complete({ threads: 256 }));
  t.throws(() => complete({ threads: 257 }), {
    instanceOf: OptionError,
    message: 'threads is 257; expected a whole number from 1 to 256',
  });
});
