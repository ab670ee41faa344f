import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors-writer.ts';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import { type ModelConfig, parseModelConfig, type WeightDtype } from '../../../engine/config.ts';
import { narrow, widen } from '../../../verify/oracle/floats.ts';
import type { OracleWeight } from '../../../verify/oracle/weights.ts';

/** What a {@link tinyModel} may be; what is left out is drawn. */
export interface TinyModelConstraints {
  modelType?: ModelConfig['modelType'];
  dtype?: WeightDtype;
  tied?: boolean;
  /** Default 3. */
  maxLayers?: number;
}

/** A random model of a few thousand parameters, in no files yet. */
export interface TinyModel {
  /** As it would stand in `config.json`, in the spelling of transformers 4 or 5. */
  readonly configJson: Readonly<Record<string, unknown>>;
  readonly config: ModelConfig;
  readonly dtype: WeightDtype;
  /** Under HuggingFace's names; every value can be stored in `dtype` exactly. */
  readonly weights: ReadonlyMap<string, OracleWeight>;
}

/**
 * Random Qwen3 and Qwen3-MoE models that are able to fail: heads · headDim differs from hidden, key-value
 * heads are fewer than heads, widths are seldom multiples of a vector, eps and theta are often not the
 * defaults, gains are random.
 */
export function tinyModel(constraints: TinyModelConstraints = {}): fc.Arbitrary<TinyModel> {
  return draws(constraints).map((draw) => makeModel(toConfigJson(draw), draw.dtype, draw.seed));
}

/**
 * Prompts for a model, 1 to `maxLength` ids, the first and the last of the vocabulary more often than their
 * share.
 */
export function prompt(model: TinyModel, maxLength = 12): fc.Arbitrary<number[]> {
  const last = model.config.vocabSize - 1;
  const id = fc.oneof({ weight: 4, arbitrary: fc.nat(last) }, fc.constantFrom(0, last));
  return fc.array(id, { minLength: 1, maxLength });
}

/** A model and `count` prompts for it. */
export function modelAndPrompts(
  constraints: TinyModelConstraints = {},
  { count = 1, maxLength = 12 }: { count?: number; maxLength?: number } = {},
): fc.Arbitrary<{ model: TinyModel; prompts: number[][] }> {
  return tinyModel(constraints).chain((model) =>
    fc.record({
      model: fc.constant(model),
      prompts: fc.array(prompt(model, maxLength), { minLength: count, maxLength: count }),
    }),
  );
}

/** Writes `config.json` and `model.safetensors` as HuggingFace would; `dir` is made if it is not there. */
export function writeModelDirectory(dir: string, { configJson, dtype, weights }: TinyModel): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'config.json'), JSON.stringify(configJson, null, 2));
  const tensors = [...weights].map(
    ([name, { shape, data }]) => [name, { dtype, shape, data: narrow(dtype, data) }] as const,
  );
  writeSafetensors(join(dir, 'model.safetensors'), new Map(tensors), { format: 'pt' });
}

/**
 * A model's weights, drawn from `seed` and rounded to `dtype`. @throws ConfigError if the configuration is
 * refused.
 */
export function makeModel(
  configJson: Readonly<Record<string, unknown>>,
  dtype: WeightDtype,
  seed: number,
): TinyModel {
  const config = parseModelConfig(configJson);
  const normal = normalNumbers(seed);
  const weights = new Map<string, OracleWeight>();
  for (const [name, shape] of expectedWeights(config)) {
    const { mean, std } = distribution(name, shape, config);
    const length = shape.reduce((product, size) => product * size);
    const drawn = new Float64Array(length).map(() => mean + std * normal());
    weights.set(name, { shape, data: widen(dtype, narrow(dtype, drawn)) });
  }
  const model = { configJson, config, dtype, weights };
  // In a counterexample the configuration and the seed say everything; the weights would fill pages.
  return Object.assign(model, {
    [fc.toStringMethod]: () => `makeModel(${JSON.stringify(configJson)}, '${dtype}', ${seed})`,
  });
}

/**
 * Chosen so that no part of the model can be left out unseen: gains are random, q and k norms sharpen the
 * attention, the layers outweigh the small embedding (a tied model would else echo its input), and the final
 * norm spreads the logits to a standard deviation of about 3.5.
 */
function distribution(
  name: string,
  shape: readonly number[],
  { hiddenSize }: ModelConfig,
): { mean: number; std: number } {
  const embeddingStd = 0.05;
  if (name === 'model.norm.weight') {
    const mean = 3.5 / (embeddingStd * Math.sqrt(hiddenSize));
    return { mean, std: 0.2 * mean };
  }
  if (/[qk]_norm\.weight$/.test(name)) return { mean: 1.7, std: 0.3 };
  if (/layernorm\.weight$/.test(name)) return { mean: 1, std: 0.2 };
  if (/(embed_tokens|lm_head)\.weight$/.test(name)) return { mean: 0, std: embeddingStd };
  // A product with a normalised row then has a standard deviation of about 1.
  return { mean: 0, std: 1 / Math.sqrt(shape[1]) };
}

/** Standard normal numbers from a seed (Box & Muller 1958). */
function normalNumbers(seed: number): () => number {
  const uniform = seedrandom(String(seed));
  // 1 − u is never 0, whose logarithm is infinite.
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

type Draw = ReturnType<typeof draws> extends fc.Arbitrary<infer T> ? T : never;

function draws({ modelType, dtype, tied, maxLayers = 3 }: TinyModelConstraints) {
  const oneOf = <T>(fixed: T | undefined, ...values: T[]) =>
    fixed === undefined ? fc.constantFrom(...values) : fc.constant(fixed);
  return fc.record({
    modelType: oneOf<ModelConfig['modelType']>(modelType, 'qwen3', 'qwen3_moe'),
    dtype: oneOf<WeightDtype>(dtype, 'F32', 'F16', 'BF16'),
    tied: oneOf(tied, false, true),
    vocab: fc.integer({ min: 10, max: 70 }),
    hidden: fc.integer({ min: 6, max: 40 }),
    intermediate: fc.integer({ min: 3, max: 40 }),
    layers: fc.integer({ min: 1, max: maxLayers }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    headsPerKvHead: fc.integer({ min: 2, max: 3 }),
    halfHeadDim: fc.integer({ min: 1, max: 8 }),
    eps: fc.constantFrom(1e-6, 3e-6, 1e-5, 1e-3),
    theta: fc.constantFrom(10_000, 1_000_000, 500_000, 40),
    numExperts: fc.integer({ min: 2, max: 6 }),
    /** Of all but one of the experts, so that being chosen always means something. */
    topKShare: fc.double({ min: 0, max: 1, noNaN: true }),
    moeIntermediate: fc.integer({ min: 2, max: 20 }),
    normTopkProb: fc.boolean(),
    sparseStep: fc.integer({ min: 1, max: 2 }),
    mlpOnlyLayers: fc.subarray(Array.from({ length: maxLayers }, (_, layer) => layer)),
    version5: fc.boolean(),
    seed: fc.nat(),
  });
}

const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

function toConfigJson(draw: Draw): Record<string, unknown> {
  const { version5, theta, numExperts } = draw;
  const heads = draw.kvHeads * draw.headsPerKvHead;
  const headDim = 2 * draw.halfHeadDim;
  const torchDtype = TORCH_DTYPES[draw.dtype];
  const sparseStep = Math.min(draw.sparseStep, draw.layers);
  // A mixture model has a mixture in it: its last layer that may be one, is.
  const lastSparse = Math.floor(draw.layers / sparseStep) * sparseStep - 1;
  return {
    model_type: draw.modelType,
    vocab_size: draw.vocab,
    hidden_size: draw.hidden === heads * headDim ? draw.hidden + 1 : draw.hidden,
    intermediate_size: draw.intermediate,
    num_hidden_layers: draw.layers,
    num_attention_heads: heads,
    num_key_value_heads: draw.kvHeads,
    head_dim: headDim,
    max_position_embeddings: 512,
    rms_norm_eps: draw.eps,
    tie_word_embeddings: draw.tied,
    hidden_act: 'silu',
    ...(version5
      ? { rope_parameters: { rope_type: 'default', rope_theta: theta }, dtype: torchDtype }
      : { rope_theta: theta, torch_dtype: torchDtype }),
    ...(draw.modelType === 'qwen3_moe' && {
      [version5 ? 'num_local_experts' : 'num_experts']: numExperts,
      num_experts_per_tok: 1 + Math.round(draw.topKShare * (numExperts - 2)),
      moe_intermediate_size: draw.moeIntermediate,
      norm_topk_prob: draw.normTopkProb,
      decoder_sparse_step: sparseStep,
      mlp_only_layers: draw.mlpOnlyLayers.filter((layer) => layer !== lastSparse),
    }),
  };
}
