import test from 'ava';
import { parseModelConfig } from '../../../../engine/config.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { cacheBytesPerToken, KvCache } from '../../../../engine/model/kv-cache.ts';
import { DENSE_CONFIG } from '../tiny-models.ts';

const config = parseModelConfig(DENSE_CONFIG);

test('every layer has keys and values of its own, of 2 heads · 6 dimensions for each position', (t) => {
  const cache = new KvCache(createScalarKernels(), config, { blockSize: 5, numBlocks: 3 });
  t.is(cache.blockSize, 5);
  t.is(cache.numBlocks, 3);
  t.is(cache.layers.length, 2);
  const arrays = cache.layers.flatMap(({ keys, values }) => [keys, values]);
  for (const array of arrays) t.is(array.length, 3 * 5 * 2 * 6);
  t.is(new Set(arrays.map(({ buffer }) => buffer)).size, 4);
});

test('a cache takes cacheBytesPerToken for each position', (t) => {
  const kernels = createScalarKernels();
  new KvCache(kernels, config, { blockSize: 5, numBlocks: 3 });
  t.is(kernels.bytesAllocated, 15 * cacheBytesPerToken(config));
});

test('a block is copied in all layers, keys and values, and no other block changes', (t) => {
  const cache = new KvCache(createScalarKernels(), config, { blockSize: 5, numBlocks: 3 });
  const arrays = cache.layers.flatMap(({ keys, values }) => [keys, values]);
  arrays.forEach((array, a) => {
    array.forEach((_, i) => {
      array[i] = 1000 * a + i;
    });
  });
  const before = arrays.map((array) => [...array]);
  cache.copyBlock(2, 0);
  const length = 5 * 2 * 6;
  for (const [a, array] of arrays.entries()) {
    t.deepEqual([...array], [...before[a].slice(2 * length), ...before[a].slice(length)]);
  }
});

test('a position of Qwen3-0.6B costs 112 KiB for each of keys and values', (t) => {
  const shape = { num_hidden_layers: 28, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128 };
  const qwen3 = parseModelConfig({ ...DENSE_CONFIG, ...shape });
  t.is(cacheBytesPerToken(qwen3), 2 * 112 * 1024);
});
