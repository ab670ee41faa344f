import test, { type ExecutionContext } from 'ava';
import { Moe, route } from '../../../../engine/model/moe.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { moeModel } from '../tiny-models.ts';
import { MAX_ROWS, openParts, type Parts } from './parts.ts';

trackResources(test);

const f = Math.fround;

/** @returns what {@link route} chooses for these logits: pairs of id and weight. */
function routed(logits: number[], numExpertsPerTok: number, normTopkProb = false): [number, number][] {
  const moe = { ...moeModel().config.moe!, numExperts: logits.length, numExpertsPerTok, normTopkProb };
  return [...route(Float32Array.from(logits), moe)];
}
const ids = (pairs: [number, number][]) => pairs.map(([id]) => id);

test('the most probable experts are chosen, and given in ascending order of id', (t) => {
  t.deepEqual(ids(routed([0.1, 3, -2, 2, 0.5], 1)), [1]);
  t.deepEqual(ids(routed([0.1, 3, -2, 2, 0.5], 2)), [1, 3]);
  t.deepEqual(ids(routed([0.1, 3, -2, 4, 0.5], 3)), [1, 3, 4]);
});

test('of equally probable experts the lower ids are chosen', (t) => {
  t.deepEqual(ids(routed([1, 1, 1, 1, 1], 2)), [0, 1]);
  t.deepEqual(ids(routed([0, 5, 2, 2, 2, 9], 3)), [1, 2, 5]);
  t.deepEqual(ids(routed([-1, 7, 7, 7], 2)), [1, 2]);
  // Two logits that are not equal, of probabilities that are.
  t.deepEqual(ids(routed([-110, -105, 0], 2)), [0, 2]);
});

test('weights are the probabilities among all experts', (t) => {
  const logits = [0.5, -1, 2, 1];
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  for (const [id, weight] of routed(logits, 2)) {
    t.true(Math.abs(weight - Math.exp(logits[id]) / total) < 1e-7);
    t.is(weight, f(weight));
  }
});

test('an expert of probability 0 is chosen where too few have more, and weighs 0', (t) => {
  for (const normTopkProb of [false, true]) {
    t.deepEqual(routed([-200, -300, 0, -250], 3, normTopkProb), [
      [0, 0],
      [1, 0],
      [2, 1],
    ]);
  }
});

test('weights are divided by their sum only where the configuration says so', (t) => {
  const logits = [0.5, -1, 2, 1];
  const plain = routed(logits, 3);
  const sum = plain.reduce((total, [, weight]) => f(total + weight), 0);
  t.true(sum < 0.98);
  t.deepEqual(
    routed(logits, 3, true),
    plain.map(([id, weight]) => [id, f(weight / sum)]),
  );
});

test('all experts are chosen if numExpertsPerTok is their number', (t) => {
  const all = routed([4, -3, 0], 3);
  t.deepEqual(ids(all), [0, 1, 2]);
  t.true(Math.abs(all.reduce((sum, [, weight]) => sum + weight, 0) - 1) < 1e-6);
});

test('routing does not change the logits', (t) => {
  const logits = Float32Array.of(1, 2, 3);
  route(logits, { ...moeModel().config.moe!, numExperts: 3 });
  t.deepEqual(logits, Float32Array.of(1, 2, 3));
});

const HIDDEN = 13;
const ROWS = 5;
const INPUT = Float32Array.from({ length: ROWS * HIDDEN }, (_, i) => 2 * Math.cos(i * i));

interface Mixture extends Parts {
  moe: Moe;
  stages: Map<string, Float32Array>;
}

function openMixture(t: ExecutionContext, model = moeModel()): Mixture {
  const parts = openParts(t, model);
  const stages = new Map<string, Float32Array>();
  const span = { ids: new Array(ROWS).fill(0), startPosition: 0, blockTable: Int32Array.of(0, 1) };
  parts.step.begin([span], (stage, values) => stages.set(stage, values.slice()));
  return { ...parts, moe: new Moe(parts.weights, 1, model.config.moe!, MAX_ROWS), stages };
}

/**
 * What the mixture makes of each row alone, straight from its experts: their outputs added by ascending id.
 */
function expected({ moe, step, kernels, stages }: Mixture): Float32Array {
  const { numExperts } = moe.config;
  const y = new Float32Array(INPUT.length);
  for (let row = 0; row < ROWS; row++) {
    const x = INPUT.slice(row * HIDDEN, (row + 1) * HIDDEN);
    const sum = y.subarray(row * HIDDEN, (row + 1) * HIDDEN);
    const logits = stages.get('layers.1.router_logits')!.slice(row * numExperts, (row + 1) * numExperts);
    for (const [id, weight] of route(logits, moe.config)) {
      const output = kernels.allocate(HIDDEN);
      moe.experts[id].forward(step, x, 1, output);
      for (const i of sum.keys()) sum[i] = f(sum[i] + f(weight * output[i]));
    }
  }
  return y;
}

for (const overrides of [{}, { norm_topk_prob: false, num_experts_per_tok: 3 }, { num_experts_per_tok: 4 }]) {
  test(`each row is the sum of its experts by ascending id, whatever the other rows: ${JSON.stringify(overrides)}`, (t) => {
    const mixture = openMixture(t, moeModel(overrides));
    const y = new Float32Array(INPUT.length).fill(9);
    mixture.moe.forward(mixture.step, INPUT, ROWS, y);
    t.is(bitDifference(y, expected(mixture)), undefined);
  });
}

test('a chosen expert of probability 0 is computed: its infinity times 0 is NaN, as in transformers', (t) => {
  const model = moeModel({ num_experts_per_tok: 4 });
  const weights = new Map(model.weights);
  const multiply = (name: string, factor: number) => {
    const { shape, data } = weights.get(`model.layers.1.mlp.${name}.weight`)!;
    weights.set(`model.layers.1.mlp.${name}.weight`, { shape, data: data.map((value) => value * factor) });
  };
  // Logits so far apart that one expert has all of the probability, and one whose output overflows.
  multiply('gate', 1e5);
  multiply('experts.3.up_proj', 1e30);
  multiply('experts.3.down_proj', 1e30);
  const mixture = openMixture(t, { ...model, weights });
  const { moe, step, stages } = mixture;
  const y = new Float32Array(INPUT.length);
  moe.forward(step, INPUT, ROWS, y);
  const logits = stages.get('layers.1.router_logits')!;
  for (let row = 0; row < ROWS; row++) {
    const probabilities = route(logits.slice(4 * row, 4 * row + 4), moe.config).values();
    t.deepEqual([...probabilities].sort(), [0, 0, 0, 1], `row ${row}`);
  }
  t.true(y.some(Number.isNaN), `got ${y}, expected some NaN`);
  t.is(bitDifference(y, expected(mixture)), undefined);
});

test('router logits are the product with the gate', (t) => {
  const { moe, step, kernels, stages } = openMixture(t);
  moe.forward(step, INPUT, ROWS, kernels.allocate(INPUT.length));
  const logits = new Float32Array(ROWS * 4);
  kernels.matmul(INPUT, ROWS, moe.router, logits);
  t.is(bitDifference(stages.get('layers.1.router_logits')!, logits), undefined);
});

test('different rows go to different experts in these tests', (t) => {
  const { moe, step, kernels, stages } = openMixture(t);
  moe.forward(step, INPUT, ROWS, kernels.allocate(INPUT.length));
  const logits = stages.get('layers.1.router_logits')!;
  const routes = Array.from({ length: ROWS }, (_, row) =>
    [...route(logits.slice(4 * row, 4 * row + 4), moe.config).keys()].join(),
  );
  t.true(new Set(routes).size >= 3, routes.join(' | '));
});

test('rows beyond the given number are not written', (t) => {
  const { moe, step } = openMixture(t);
  const y = new Float32Array(INPUT.length).fill(7);
  moe.forward(step, INPUT, 2, y);
  t.true(y.subarray(2 * HIDDEN).every((value) => value === 7));
});

test('layers share their working memory', (t) => {
  const model = moeModel({ mlp_only_layers: [] });
  const { kernels, weights } = openParts(t, model);
  const bytesOf = (layer: number) => {
    const before = kernels.bytesAllocated;
    new Moe(weights, layer, model.config.moe!, MAX_ROWS);
    return kernels.bytesAllocated - before;
  };
  t.is(bytesOf(0) - bytesOf(1), 4 * MAX_ROWS * (4 + 13 + 2 * 13));
});
