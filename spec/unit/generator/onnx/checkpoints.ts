import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { WeightDtype } from '../../../../engine/config.ts';
import { makeModel, writeModelDirectory } from '../../../support/properties/arbitraries.ts';

/** The part of a test that these fixtures use. */
export type Teardown = Pick<ExecutionContext<unknown>, 'teardown'>;

/** A small Qwen3 whose sizes all differ, so that swapping two is an error. */
export const DENSE = {
  model_type: 'qwen3',
  vocab_size: 53,
  hidden_size: 20,
  intermediate_size: 28,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 5000,
  tie_word_embeddings: false,
};

/** The same with a mixture of experts in the second layer. */
export const MOE = {
  ...DENSE,
  model_type: 'qwen3_moe',
  num_experts: 5,
  num_experts_per_tok: 3,
  moe_intermediate_size: 10,
  norm_topk_prob: true,
  mlp_only_layers: [0],
};

/** Makes a temporary folder, removed after the test. */
export async function temporaryDir(t: Teardown): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'plumbline-onnx-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

/** Writes a model directory with one safetensors file, removed after the test. */
export async function checkpoint(
  t: Teardown,
  json: Readonly<Record<string, unknown>>,
  dtype: WeightDtype = 'F32',
): Promise<string> {
  const dir = await temporaryDir(t);
  writeModelDirectory(dir, makeModel(json, dtype, 1));
  return dir;
}
