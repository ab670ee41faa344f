import type { ExecutionContext } from 'ava';
import type { WeightDtype } from '../../../engine/config.ts';
import type { LoadOptions } from '../../../engine/distributed/load-model.ts';
import { Engine } from '../../../engine/engine.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import { closing, temporaryFolder } from '../../support/processes/cleanup.ts';
import { makeModel, type TinyModel, writeModelDirectory } from '../../support/properties/arbitraries.ts';

/**
 * `config.json` of a model that a unit test can read through: two layers, widths that are no multiples of a
 * vector.
 */
export const DENSE_CONFIG = Object.freeze({
  model_type: 'qwen3',
  vocab_size: 19,
  hidden_size: 13,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 500,
  tie_word_embeddings: false,
});

/** The same with a mixture of four experts in its second layer; wider than its first layer's MLP. */
export const MOE_CONFIG = Object.freeze({
  ...DENSE_CONFIG,
  model_type: 'qwen3_moe',
  num_experts: 4,
  num_experts_per_tok: 2,
  moe_intermediate_size: 11,
  norm_topk_prob: true,
  mlp_only_layers: [0],
});

/** @param overrides keys of `config.json`. */
export function denseModel(overrides: Record<string, unknown> = {}, dtype: WeightDtype = 'F32'): TinyModel {
  return makeModel({ ...DENSE_CONFIG, ...overrides }, dtype, 7);
}

/** @param overrides keys of `config.json`. */
export function moeModel(overrides: Record<string, unknown> = {}, dtype: WeightDtype = 'F32'): TinyModel {
  return makeModel({ ...MOE_CONFIG, ...overrides }, dtype, 8);
}

/** A layer so wide that several threads share its packing, and as little else as there can be. */
export function wideModel(): TinyModel {
  return denseModel({ hidden_size: 128, intermediate_size: 1024, num_hidden_layers: 1 }, 'BF16');
}

/** A model's directory, removed when the test ends. */
export function modelDirectory(t: Pick<ExecutionContext, 'teardown'>, model: TinyModel): string {
  const dir = temporaryFolder(t);
  writeModelDirectory(dir, model);
  return dir;
}

/**
 * An engine with a model, closed when the test ends. Its kernels have 16 MiB at most, 4 GiB would be for
 * nothing.
 */
export async function loadEngine(
  t: Pick<ExecutionContext, 'teardown'>,
  model: TinyModel,
  options: LoadOptions = {},
): Promise<Engine> {
  const kernels = options.kernels ?? (await createWasmKernels({ maxBytes: 2 ** 24 }));
  return closing(t, await Engine.load(modelDirectory(t, model), { ...options, kernels }));
}
