import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import { widen } from '../../../../verify/oracle/floats.ts';
import { loadOracle, oracleFromWeights } from '../../../../verify/oracle/oracle.ts';
import type { OracleWeight } from '../../../../verify/oracle/weights.ts';
import { makeModel } from '../../../support/properties/arbitraries.ts';

interface Case {
  ids: number[];
  greedy: number[];
}

const pytorch = (model: string, file = '') =>
  fileURLToPath(new URL(`../../../../golden/pytorch/${model}/${file}`, import.meta.url));

function readWitness(t: ExecutionContext, model: string) {
  const expected = SafetensorsFile.open(pytorch(model, 'expected.safetensors'));
  t.teardown(() => expected.close());
  const read = (name: string) => widen(expected.tensors.get(name)!.dtype, expected.read(name));
  const { cases } = JSON.parse(readFileSync(pytorch(model, 'cases.json'), 'utf8'));
  return { cases: Object.entries(cases as Record<string, Case>), read };
}

/**
 * The largest |got − expected|, each relative to its row's largest |expected|. Fails on NaN and on other
 * lengths.
 */
function distance(got: Float64Array, expected: Float64Array, rowLength: number, relative: boolean): number {
  if (got.length !== expected.length || got.length === 0) return Infinity;
  let largest = 0;
  for (let begin = 0; begin < got.length; begin += rowLength) {
    const row = expected.subarray(begin, begin + rowLength);
    const scale = relative ? row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) : 1;
    row.forEach((x, i) => {
      const off = Math.abs(got[begin + i] - x) / scale;
      // Not Math.max: a NaN must not get lost.
      if (!(off <= largest)) largest = Number.isNaN(off) ? Infinity : off;
    });
  }
  return largest;
}

function argmax(row: Float64Array): number {
  return row.reduce((best, x, i) => (x > row[best] ? i : best), 0);
}

for (const model of ['dense', 'moe']) {
  test(`${model}: the oracle's logits are PyTorch's in float64 to within 1e-9`, async (t) => {
    const oracle = await loadOracle(pytorch(model));
    const { cases, read } = readWitness(t, model);
    t.is(cases.length, 5);
    for (const [name, { ids }] of cases) {
      const { logits } = oracle.forward(ids);
      const off = distance(logits, read(`${name}.logits_float64`), logits.length / ids.length, false);
      t.true(off < 1e-9, `${model}/${name}: logits are off by ${off}`);
    }
  });

  test(`${model}: the oracle's hidden states are PyTorch's to within the noise of float32`, async (t) => {
    const oracle = await loadOracle(pytorch(model));
    const { cases, read } = readWitness(t, model);
    for (const [name, { ids }] of cases) {
      const { hidden } = oracle.forward(ids);
      const expected = read(`${name}.hidden_states`);
      t.is(expected.length, hidden.length * hidden[0].length);
      hidden.forEach((state, layer) => {
        const part = expected.subarray(layer * state.length, (layer + 1) * state.length);
        const off = distance(state, part, state.length / ids.length, true);
        t.true(off < 1e-4, `${model}/${name}: hidden state ${layer} is off by ${off} of its row's maximum`);
      });
    }
  });

  test(`${model}: the oracle chooses PyTorch's greedy tokens at every step`, async (t) => {
    const oracle = await loadOracle(pytorch(model));
    for (const [name, { ids, greedy }] of readWitness(t, model).cases) {
      t.is(greedy.length, 24);
      const { logits } = oracle.forward([...ids, ...greedy.slice(0, -1)]);
      const vocab = logits.length / (ids.length + greedy.length - 1);
      const chosen = greedy.map((_, step) => {
        const row = (ids.length - 1 + step) * vocab;
        return argmax(logits.subarray(row, row + vocab));
      });
      t.deepEqual(chosen, greedy, `${model}/${name}`);
    }
  });
}

const MOE_CONFIG = {
  model_type: 'qwen3_moe',
  vocab_size: 20,
  hidden_size: 12,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 4,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  num_experts: 4,
  num_experts_per_tok: 1,
  moe_intermediate_size: 6,
  mlp_only_layers: [1],
};
const IDS = [3, 0, 19, 7];

/** The `mlp` stage of layer 0 with the router giving every expert the same. */
function evenlyRouted(keys: object): Float64Array {
  const { config, weights } = makeModel({ ...MOE_CONFIG, ...keys }, 'F32', 1);
  const router = weights.get('model.layers.0.mlp.gate.weight')!;
  const even = { shape: router.shape, data: router.data.map(() => 0) };
  const oracle = oracleFromWeights(config, new Map(weights).set('model.layers.0.mlp.gate.weight', even));
  return oracle.forward(IDS).stages.get('layers.0.mlp')!;
}

test('of experts with equal probability the one of lowest index is chosen', (t) => {
  const { config, weights } = makeModel(MOE_CONFIG, 'F32', 1);
  // Expert 0 alone, as if it were the layer's dense MLP.
  const alone = new Map<string, OracleWeight>(weights);
  for (const part of ['gate_proj', 'up_proj', 'down_proj']) {
    alone.set(
      `model.layers.0.mlp.${part}.weight`,
      weights.get(`model.layers.0.mlp.experts.0.${part}.weight`)!,
    );
  }
  const dense = oracleFromWeights({ ...config, moe: undefined }, alone).forward(IDS);
  const expert0 = dense.stages.get('layers.0.mlp')!;
  t.deepEqual(evenlyRouted({ norm_topk_prob: true }), expert0);
  t.deepEqual(
    evenlyRouted({ norm_topk_prob: false }),
    expert0.map((x) => x / 4),
  );
});

test('only a mixture layer has router logits', (t) => {
  const { config, weights } = makeModel(MOE_CONFIG, 'F32', 1);
  const { stages } = oracleFromWeights(config, weights).forward(IDS);
  t.is(stages.get('layers.0.router_logits')?.length, 4 * 4);
  t.false(stages.has('layers.1.router_logits'));
});

test('position 0 is not turned, later positions are, and turning keeps lengths', (t) => {
  const { config, weights } = makeModel(MOE_CONFIG, 'F32', 1);
  const { stages } = oracleFromWeights(config, weights).forward(IDS);
  const before = stages.get('layers.0.q_norm')!;
  const after = stages.get('layers.0.q_rope')!;
  t.deepEqual(after.subarray(0, 16), before.subarray(0, 16));
  const length = (x: Float64Array) => Math.hypot(...x.subarray(16));
  t.notDeepEqual(after.subarray(16), before.subarray(16));
  t.true(Math.abs(length(after) - length(before)) < 1e-12);
});

test('no token sees what comes after it', (t) => {
  const { config, weights } = makeModel(MOE_CONFIG, 'F32', 1);
  const oracle = oracleFromWeights(config, weights);
  const { logits } = oracle.forward(IDS);
  t.deepEqual(oracle.forward(IDS.slice(0, 2)).logits, logits.subarray(0, 2 * 20));
});

test('the oracle refuses what would only give NaN', (t) => {
  const { config, weights } = makeModel(MOE_CONFIG, 'F32', 1);
  const oracle = oracleFromWeights(config, weights);
  t.throws(() => oracle.forward([]), { instanceOf: RangeError, message: /at least one token/ });
  t.throws(() => oracle.forward([20]), { instanceOf: RangeError, message: /id 20 is outside/ });
  t.throws(() => oracleFromWeights(config, new Map()).forward([1]), { message: /embed_tokens\.weight/ });
});
