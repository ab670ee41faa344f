import test from 'ava';
import { parseModelConfig } from '../../../engine/config.ts';
import { completeEngineOptions } from '../../../engine/options.ts';
import { DENSE_CONFIG } from './tiny-models.ts';

const config = parseModelConfig(DENSE_CONFIG);

const DEFAULTS = {
  cacheTokens: 64,
  blockSize: 16,
  maxBatch: 16,
  maxBatchTokens: 256,
  prefillChunk: 128,
  prefixCaching: true,
};

test('the defaults are as documented', (t) => {
  t.deepEqual(completeEngineOptions({}, config), DEFAULTS);
});

test('by default the cache holds the positions of the model, at most 4,096', (t) => {
  const cacheTokens = (maxPositionEmbeddings: number) =>
    completeEngineOptions({}, { ...config, maxPositionEmbeddings }).cacheTokens;
  t.deepEqual([1, 4096, 4097, 40_960].map(cacheTokens), [1, 4096, 4096, 4096]);
});

test('what is given is taken, and what is none of cache and steps left out', (t) => {
  const given = { ...DEFAULTS, cacheTokens: 5000, maxBatch: 1, prefixCaching: false };
  const options = completeEngineOptions({ ...given, onProgress: () => {} }, config);
  t.deepEqual(options, given);
  t.true(Object.isFrozen(options));
});

for (const option of ['cacheTokens', 'blockSize', 'maxBatch', 'maxBatchTokens', 'prefillChunk'] as const) {
  test(`${option} must be a positive whole number`, (t) => {
    for (const value of [0, -16, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      t.throws(() => completeEngineOptions({ [option]: value }, config), {
        instanceOf: RangeError,
        message: `${option} is ${value}; expected a whole number, 1 or more`,
      });
    }
    t.is(completeEngineOptions({ [option]: 1 }, config)[option], 1);
  });
}
