import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { readModelConfig } from '../../../../engine/checkpoint/read-config.ts';
import { checkWeights } from '../../../../engine/checkpoint/weights.ts';
import { loadOracle, oracleFromWeights } from '../../../../verify/oracle/oracle.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { modelAndPrompts, tinyModel, writeModelDirectory } from '../../../support/properties/arbitraries.ts';

trackResources(test);

const SEED = 20261122;
const models = fc.sample(tinyModel(), { seed: SEED, numRuns: 300 });

test('heads · headDim is never the hidden size, and query heads share key-value heads', (t) => {
  for (const { config } of models) {
    t.not(config.numAttentionHeads * config.headDim, config.hiddenSize);
    t.true(config.numKeyValueHeads < config.numAttentionHeads);
  }
});

test('every kind of model is drawn', (t) => {
  const drawn = (of: (model: (typeof models)[number]) => unknown) => new Set(models.map(of)).size;
  t.is(
    drawn(({ config, dtype }) => `${config.modelType} ${dtype} ${config.tieWordEmbeddings}`),
    12,
  );
  t.is(
    drawn(({ config }) => config.rmsNormEps),
    4,
  );
  t.is(
    drawn(({ config }) => config.ropeTheta),
    4,
  );
  const mixtures = models.filter(({ config }) => config.moe).map(({ config }) => config.moe!);
  t.is(new Set(mixtures.map((moe) => moe.normTopkProb)).size, 2);
  t.true(mixtures.every((moe) => moe.sparseLayers.includes(true)));
  t.true(mixtures.some((moe) => moe.sparseLayers.includes(false)));
  t.true(mixtures.every((moe) => moe.numExpertsPerTok < moe.numExperts || moe.numExperts === 2));
});

test('drawn models can be constrained', (t) => {
  const constraints = { modelType: 'qwen3_moe', dtype: 'F16', tied: true, maxLayers: 1 } as const;
  for (const { config, dtype } of fc.sample(tinyModel(constraints), { seed: SEED, numRuns: 20 })) {
    t.like(config, { modelType: 'qwen3_moe', tieWordEmbeddings: true, numHiddenLayers: 1 });
    t.is(dtype, 'F16');
  }
});

test('models are able to fail: logits spread, and the last token is not merely echoed', (t) => {
  const spreads: number[] = [];
  let echoes = 0;
  let rows = 0;
  const many = modelAndPrompts({}, { maxLength: 8 });
  for (const { model, prompts } of fc.sample(many, { seed: SEED, numRuns: 60 })) {
    const { vocabSize } = model.config;
    const { logits } = oracleFromWeights(model.config, model.weights).forward(prompts[0]);
    prompts[0].forEach((id, position) => {
      const row = logits.subarray(position * vocabSize, (position + 1) * vocabSize);
      const mean = row.reduce((a, b) => a + b) / vocabSize;
      spreads.push(Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / vocabSize));
      if (row.indexOf(Math.max(...row)) === id) echoes += 1;
      rows += 1;
    });
  }
  const spread = spreads.reduce((a, b) => a + b) / spreads.length;
  t.true(spread > 2.5 && spread < 4.5, `logits have a standard deviation of ${spread} on average`);
  t.true(echoes / rows < 0.25, `${echoes} of ${rows} positions echo their token`);
});

test('prompts stay within the vocabulary and reach its edges', (t) => {
  const drawn = fc.sample(modelAndPrompts({}, { count: 2, maxLength: 5 }), { seed: SEED, numRuns: 100 });
  const edges = { first: 0, last: 0 };
  for (const { model, prompts } of drawn) {
    t.is(prompts.length, 2);
    for (const ids of prompts) {
      t.true(ids.length >= 1 && ids.length <= 5);
      t.true(ids.every((id) => Number.isInteger(id) && id >= 0 && id < model.config.vocabSize));
      if (ids.includes(0)) edges.first += 1;
      if (ids.includes(model.config.vocabSize - 1)) edges.last += 1;
    }
  }
  t.true(edges.first > 20 && edges.last > 20, JSON.stringify(edges));
});

test('a model directory holds exactly the weights that were drawn', async (t) => {
  const root = temporaryFolder(t);
  const many = fc.sample(modelAndPrompts(), { seed: SEED, numRuns: 12 });
  for (const [index, { model, prompts }] of many.entries()) {
    const dir = join(root, String(index));
    writeModelDirectory(dir, model);
    const config = await readModelConfig(dir);
    t.deepEqual(config, model.config);
    const checkpoint = Checkpoint.open(dir);
    t.notThrows(() => checkWeights(checkpoint, config));
    checkpoint.close();
    const written = (await loadOracle(dir)).forward(prompts[0]);
    t.deepEqual(written.logits, oracleFromWeights(model.config, model.weights).forward(prompts[0]).logits);
  }
});

test('the same seed draws the same model, and a counterexample prints as the call that makes it', (t) => {
  const [again] = fc.sample(tinyModel(), { seed: SEED, numRuns: 1 });
  t.deepEqual(again.weights, models[0].weights);
  t.regex(fc.stringify(again), /^makeModel\(\{"model_type":.*\}, '(F32|F16|BF16)', \d+\)$/);
});
