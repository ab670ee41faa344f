import { z } from 'zod';
import { ConfigError, show } from './errors.ts';

/** The types in which a checkpoint may store its weights. */
export type WeightDtype = 'F32' | 'F16' | 'BF16';

/** The experts of a Qwen3-MoE model. */
export interface MoeConfig {
  readonly numExperts: number;
  readonly numExpertsPerTok: number;
  readonly moeIntermediateSize: number;
  readonly normTopkProb: boolean;
  /** For each layer, whether its MLP is a mixture of experts (`mlp_only_layers`, `decoder_sparse_step`). */
  readonly sparseLayers: readonly boolean[];
}

/** A Qwen3 or Qwen3-MoE architecture: `config.json`, validated. Names are its keys in camel case. */
export interface ModelConfig {
  readonly modelType: 'qwen3' | 'qwen3_moe';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly maxPositionEmbeddings: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly tieWordEmbeddings: boolean;
  /** The type that the configuration names for the weights; only their own headers count. */
  readonly dtype: string | undefined;
  /** Ids that end a generation, from `generation_config.json` or else `config.json`. */
  readonly eosTokenIds: readonly number[];
  readonly moe: MoeConfig | undefined;
}

const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 31 - 1);
/**
 * The weights of each layer and expert are listed by name, so a hostile count would exhaust the memory
 * before any weight is read. About ten times the largest Qwen3 (94 layers, 128 experts).
 */
const count = z.number().int().positive().max(1000);
const tokenId = z.number().int().nonnegative();
const eosTokenId = z.union([tokenId, z.array(tokenId)]).nullish();
/** Below 1, wavelengths would shrink with the dimension, and angles overflow. */
const ropeTheta = z.number().min(1);
const ropeParameters = z.object({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: ropeTheta.nullish(),
  partial_rotary_factor: z.number().nullish(),
});

/**
 * The keys that decide what is computed, in the spelling of transformers 4 (`rope_theta`, `torch_dtype`,
 * `num_experts`) and of transformers 5 (`rope_parameters`, `dtype`, `num_local_experts`).
 */
const configJson = z.object({
  model_type: z.string(),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: count,
  num_attention_heads: size,
  num_key_value_heads: size.nullable(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  rms_norm_eps: z.number().nonnegative(),
  rope_theta: ropeTheta.nullish(),
  partial_rotary_factor: z.number().nullish(),
  rope_parameters: ropeParameters.nullish(),
  rope_scaling: ropeParameters.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  eos_token_id: eosTokenId,
  hidden_act: z.string().nullish(),
  attention_bias: z.boolean().nullish(),
  use_sliding_window: z.boolean().nullish(),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
  num_experts: count.nullish(),
  num_local_experts: count.nullish(),
  num_experts_per_tok: count.nullish(),
  moe_intermediate_size: size.nullish(),
  norm_topk_prob: z.boolean().nullish(),
  decoder_sparse_step: size.nullish(),
  mlp_only_layers: z.array(z.number().int().nonnegative()).nullish(),
});
type ConfigJson = z.infer<typeof configJson>;

const generationConfigJson = z.object({ eos_token_id: eosTokenId });

/** What {@link parseModelConfig} takes beside the parsed `config.json`. */
export interface ParseModelConfigOptions {
  /** Where the configuration came from, for messages. Default `config.json`. */
  path?: string;
  /** `eos_token_id` of `generation_config.json`, which takes precedence over `config.json`. */
  eosTokenId?: number | number[] | null;
}

/**
 * Validates a parsed `config.json`.
 *
 * @returns a frozen configuration.
 * @throws ConfigError if a value is missing, of the wrong kind or out of range, sizes contradict each other,
 * or the model needs something that is not supported; it names the key.
 */
export function parseModelConfig(json: unknown, options: ParseModelConfigOptions = {}): ModelConfig {
  const path = options.path ?? 'config.json';
  const raw = parse(configJson, json, path);
  const modelType = raw.model_type;
  if (modelType !== 'qwen3' && modelType !== 'qwen3_moe') {
    throw new ConfigError(
      `${path}: model_type ${show(modelType)} is not supported; expected "qwen3" or "qwen3_moe"`,
    );
  }
  refuseUnsupported(raw, path);
  const numKeyValueHeads = raw.num_key_value_heads ?? raw.num_attention_heads;
  if (raw.num_attention_heads % numKeyValueHeads !== 0) {
    throw new ConfigError(
      `${path}: num_attention_heads ${raw.num_attention_heads} is not a multiple of num_key_value_heads ${numKeyValueHeads}`,
    );
  }
  if (raw.head_dim == null && modelType === 'qwen3') {
    throw new ConfigError(`${path}: head_dim is missing; every Qwen3 configuration states it`);
  }
  // As in HuggingFace's Qwen3MoeAttention.
  const headDim = raw.head_dim ?? raw.hidden_size / raw.num_attention_heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw new ConfigError(`${path}: head_dim ${headDim} must be an even whole number: RoPE rotates pairs`);
  }
  // In the order in which transformers 5 takes them.
  const ropeTheta = agreed(path, {
    'rope_scaling.rope_theta': raw.rope_scaling?.rope_theta,
    'rope_parameters.rope_theta': raw.rope_parameters?.rope_theta,
    rope_theta: raw.rope_theta,
  });
  if (ropeTheta == null) {
    throw new ConfigError(`${path}: neither rope_theta nor rope_parameters.rope_theta is given`);
  }
  const eos = parse(eosTokenId, options.eosTokenId, 'eosTokenId') ?? raw.eos_token_id ?? [];
  const eosTokenIds = Array.isArray(eos) ? [...eos] : [eos];
  const outside = eosTokenIds.find((id) => id >= raw.vocab_size);
  if (outside !== undefined) {
    const where = options.eosTokenId == null ? path : `${path}, with generation_config.json`;
    throw new ConfigError(`${where}: eos_token_id ${outside} is outside the vocabulary of ${raw.vocab_size}`);
  }
  return Object.freeze({
    modelType,
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    numHiddenLayers: raw.num_hidden_layers,
    numAttentionHeads: raw.num_attention_heads,
    numKeyValueHeads,
    headDim,
    maxPositionEmbeddings: raw.max_position_embeddings,
    rmsNormEps: raw.rms_norm_eps,
    ropeTheta,
    tieWordEmbeddings: raw.tie_word_embeddings ?? false,
    dtype: raw.dtype ?? raw.torch_dtype ?? undefined,
    eosTokenIds: Object.freeze(eosTokenIds),
    moe: modelType === 'qwen3_moe' ? parseMoe(raw, path) : undefined,
  });
}

/**
 * Validates a parsed `generation_config.json`.
 *
 * @param path where it came from, for messages.
 * @returns its `eos_token_id`.
 * @throws ConfigError if that is neither an id nor a list of ids.
 */
export function parseGenerationConfig(json: unknown, path: string): ParseModelConfigOptions['eosTokenId'] {
  return parse(generationConfigJson, json, path).eos_token_id;
}

function parseMoe(raw: ConfigJson, path: string): MoeConfig {
  const { num_experts, num_local_experts } = raw;
  const numExperts = agreed(path, { num_experts, num_local_experts });
  if (numExperts == null || raw.num_experts_per_tok == null || raw.moe_intermediate_size == null) {
    throw new ConfigError(
      `${path}: a qwen3_moe model needs num_experts (or num_local_experts), num_experts_per_tok and moe_intermediate_size`,
    );
  }
  if (raw.num_experts_per_tok > numExperts) {
    throw new ConfigError(
      `${path}: num_experts_per_tok ${raw.num_experts_per_tok} is more than num_experts ${numExperts}`,
    );
  }
  // As in HuggingFace's Qwen3MoeDecoderLayer.
  const step = raw.decoder_sparse_step ?? 1;
  const mlpOnly = new Set(raw.mlp_only_layers ?? []);
  const sparseLayers = Array.from(
    { length: raw.num_hidden_layers },
    (_, layer) => !mlpOnly.has(layer) && (layer + 1) % step === 0,
  );
  return Object.freeze({
    numExperts,
    numExpertsPerTok: raw.num_experts_per_tok,
    moeIntermediateSize: raw.moe_intermediate_size,
    normTopkProb: raw.norm_topk_prob ?? false,
    sparseLayers: Object.freeze(sparseLayers),
  });
}

/**
 * The value of keys that mean the same.
 *
 * @returns undefined if none is given.
 * @throws ConfigError if two contradict each other: engines differ in which one they read.
 */
function agreed(path: string, keys: Readonly<Record<string, number | null | undefined>>): number | undefined {
  const given = Object.entries(keys).filter((entry): entry is [string, number] => entry[1] != null);
  const [first] = given;
  const other = given.find(([, value]) => value !== first[1]);
  if (other) {
    const found = [first, other].map(([key, value]) => `${key} ${value}`).join(' and ');
    throw new ConfigError(`${path}: has ${found}; expected one of them, or the same value`);
  }
  return first?.[1];
}

function refuseUnsupported(raw: ConfigJson, path: string): void {
  const refuse = (what: string) => {
    throw new ConfigError(`${path}: ${what} is not supported by this engine`);
  };
  for (const [key, rope] of Object.entries({
    rope_scaling: raw.rope_scaling,
    rope_parameters: raw.rope_parameters,
  })) {
    const type = [rope?.rope_type, rope?.type].find((name) => name != null && name !== 'default');
    if (type != null) refuse(`${key} of type ${show(type)}`);
    if ((rope?.partial_rotary_factor ?? 1) !== 1) refuse(`${key}.partial_rotary_factor`);
  }
  if ((raw.partial_rotary_factor ?? 1) !== 1) refuse('partial_rotary_factor');
  if (raw.use_sliding_window) refuse('use_sliding_window');
  const layerType = raw.layer_types?.find((type) => type !== 'full_attention');
  if (layerType !== undefined) refuse(`layer_types ${show(layerType)}`);
  if (raw.attention_bias) refuse('attention_bias');
  if (raw.quantization_config != null) refuse('quantization_config (quantised weights)');
  if (raw.hidden_act != null && raw.hidden_act !== 'silu') refuse(`hidden_act ${show(raw.hidden_act)}`);
}

function parse<T>(schema: z.ZodType<T>, json: unknown, path: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: keys, message }) =>
    keys.length > 0 ? `${keys.join('.')}: ${message}` : message,
  );
  throw new ConfigError(`${path}: ${problems.join('; ')}`);
}
