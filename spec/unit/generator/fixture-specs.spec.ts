import test from 'ava';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../../engine/config.ts';
import { countParameters } from '../../../engine/parameters.ts';
import { FIXTURES, QUICK_FIXTURES } from '../../../generator/fixture-specs.ts';

const configs = Object.entries(FIXTURES).map(
  ([name, { config }]) => [name, parseModelConfig(config)] as const,
);
for (const [name, config] of configs) {
  test(`${name}: no two sizes that a defect could swap are equal`, (t) => {
    t.not(config.numAttentionHeads * config.headDim, config.hiddenSize);
    t.true(config.numKeyValueHeads < config.numAttentionHeads);
    t.not(config.intermediateSize, config.hiddenSize);
    t.not(config.intermediateSize, config.moe?.moeIntermediateSize);
  });
}

test('together the fixtures vary whatever the engine reads of a configuration', (t) => {
  const kinds = (of: (config: (typeof configs)[number][1]) => unknown) =>
    new Set(configs.map(([, config]) => JSON.stringify(of(config)))).size;
  t.is(
    kinds(({ modelType }) => modelType),
    2,
  );
  t.true(kinds(({ rmsNormEps }) => rmsNormEps) >= 3);
  t.true(kinds(({ ropeTheta }) => ropeTheta) >= 4);
  t.is(
    kinds(({ tieWordEmbeddings }) => tieWordEmbeddings),
    2,
  );
  t.is(new Set(Object.values(FIXTURES).map(({ weights }) => weights.dtype)).size, 3);
  const mixtures = configs.flatMap(([, { moe }]) => moe ?? []);
  t.deepEqual(new Set(mixtures.map(({ normTopkProb }) => normTopkProb)), new Set([true, false]));
  t.deepEqual(new Set(mixtures.map(({ numExpertsPerTok }) => numExpertsPerTok)), new Set([2, 3]));
  t.true(mixtures.every(({ sparseLayers }) => sparseLayers.includes(true) && sparseLayers.includes(false)));
});

test('configurations are spelt as transformers 4 and as transformers 5 spell them', (t) => {
  const keys = Object.values(FIXTURES).map(({ config }) => Object.keys(config));
  for (const [old, recent] of [
    ['rope_theta', 'rope_parameters'],
    ['torch_dtype', 'dtype'],
    ['num_experts', 'num_local_experts'],
  ]) {
    t.true(
      keys.some((some) => some.includes(old)),
      old,
    );
    t.true(
      keys.some((some) => some.includes(recent)),
      recent,
    );
    t.false(keys.some((some) => some.includes(old) && some.includes(recent)));
  }
});

test('what is made where no fixture is named is quick to make: no model of a billion bytes', (t) => {
  t.deepEqual(QUICK_FIXTURES, ['dense', 'dense-bf16', 'moe', 'moe-nonorm', 'outliers']);
  for (const [name, config] of configs) {
    const isQuick = countParameters(config).total < 2e7;
    t.is(QUICK_FIXTURES.includes(name), isQuick, name);
    t.is(FIXTURES[name].large ?? false, !isQuick, name);
  }
});

test('a large fixture asks for nothing that blocks of weights do not have', (t) => {
  for (const { large, weights, shards } of Object.values(FIXTURES)) {
    if (large) t.deepEqual([weights.dtype, weights.outlierChannels, shards], ['BF16', undefined, undefined]);
  }
});

test('qwen3-0.6b-shape has the sizes, the settings and the number of parameters of Qwen/Qwen3-0.6B', (t) => {
  const config = parseModelConfig(FIXTURES['qwen3-0.6b-shape'].config);
  t.is(countParameters(config).total, 596_049_920);
  t.is(expectedWeights(config).size, 2 + 28 * 11);
  t.like(config, {
    modelType: 'qwen3',
    vocabSize: 151936,
    hiddenSize: 1024,
    numHiddenLayers: 28,
    numAttentionHeads: 16,
    numKeyValueHeads: 8,
    headDim: 128,
    intermediateSize: 3072,
    ropeTheta: 1e6,
    rmsNormEps: 1e-6,
    tieWordEmbeddings: true,
    maxPositionEmbeddings: 40960,
  });
  t.is(FIXTURES['qwen3-0.6b-shape'].config.torch_dtype, 'bfloat16');
});
