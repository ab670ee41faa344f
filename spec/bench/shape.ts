import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectedWeights } from '../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../engine/config.ts';

/** Qwen3-0.6B with fewer layers and a smaller vocabulary: 96 M parameters, whose weights take far longer to read than logits to hash. */
const CONFIG = {
  model_type: 'qwen3',
  vocab_size: 16384,
  hidden_size: 1024,
  intermediate_size: 3072,
  num_hidden_layers: 5,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  tie_word_embeddings: true,
};

/** Writes a checkpoint of that shape whose weights are all zero: they take as long to compute with as others. */
export function writeZeroCheckpoint(): string {
  const modelDir = mkdtempSync(join(tmpdir(), 'plumbline-bench-'));
  mkdirSync(modelDir, { recursive: true });
  writeFileSync(join(modelDir, 'config.json'), JSON.stringify(CONFIG));
  const header: Record<string, unknown> = {};
  let position = 0;
  for (const [name, shape] of expectedWeights(parseModelConfig(CONFIG))) {
    const bytes = 2 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [position, position + bytes] };
    position += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const fd = openSync(join(modelDir, 'model.safetensors'), 'w');
  writeSync(fd, Buffer.concat([length, json]));
  // The rest is a hole: it reads as zeros and takes no space.
  ftruncateSync(fd, 8 + json.length + position);
  closeSync(fd);
  return modelDir;
}
