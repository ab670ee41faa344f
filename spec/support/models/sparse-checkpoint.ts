import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DTYPE_BYTES } from '../../../engine/checkpoint/safetensors.ts';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../../engine/config.ts';
import { readRealModel } from '../../../golden/goldens.ts';

/** A tensor as a header describes it. */
export interface HeaderEntry {
  dtype: string;
  shape: readonly number[];
}

/** `config.json` of Qwen/Qwen3-0.6B, as far as it decides what is computed. */
export const QWEN3_0_6B_CONFIG = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  vocab_size: 151936,
  hidden_size: 1024,
  intermediate_size: 3072,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  max_position_embeddings: 40960,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
};

/** What the standard test model is known by. */
export const QWEN3_0_6B = readRealModel('Qwen/Qwen3-0.6B')!.identity;

/**
 * Writes a model directory whose weights have their names, shapes and place, but take no room on the disk:
 * all zeros, in a sparse file.
 *
 * @param edit changes the header before it is written.
 */
export function writeSparseCheckpoint(
  modelDir: string,
  config: Readonly<Record<string, unknown>> = QWEN3_0_6B_CONFIG,
  edit: (header: Record<string, HeaderEntry>) => void = () => {},
): void {
  mkdirSync(modelDir, { recursive: true });
  writeFileSync(join(modelDir, 'config.json'), JSON.stringify(config));
  const entries: Record<string, HeaderEntry> = {};
  for (const [name, shape] of expectedWeights(parseModelConfig(config)))
    entries[name] = { dtype: 'BF16', shape };
  edit(entries);
  let position = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape }] of Object.entries(entries)) {
    const end = position + shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    header[name] = { dtype, shape, data_offsets: [position, end] };
    position = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const fd = openSync(join(modelDir, 'model.safetensors'), 'w');
  writeSync(fd, Buffer.concat([length, json]));
  ftruncateSync(fd, 8 + json.length + position);
  closeSync(fd);
}
