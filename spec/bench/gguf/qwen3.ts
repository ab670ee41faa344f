import { GGUFValueType } from '@huggingface/gguf';
import type { Checkpoint, StoredTensor } from '../../../engine/checkpoint/checkpoint.ts';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import type { ModelConfig, WeightDtype } from '../../../engine/config.ts';
import { widen } from '../../../engine/kernels/widen.ts';
import type { GgufMetadata, GgufTensor, GgufValue } from './writer.ts';

/** llama.cpp's names of what a layer has, by HuggingFace's. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
};

/** llama.cpp's types of tokens. */
const TOKEN_TYPES = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

const uint32 = (value: number): GgufValue => ({ type: GGUFValueType.UINT32, value });
const float32 = (value: number): GgufValue => ({ type: GGUFValueType.FLOAT32, value });
const string = (value: string): GgufValue => ({ type: GGUFValueType.STRING, value });

/** Architecture of a dense Qwen3, as llama.cpp reads it. @throws RangeError for a mixture of experts. */
export function architectureMetadata(config: ModelConfig, name: string): GgufMetadata {
  if (config.moe)
    throw new RangeError(`${name} is a mixture of experts; only dense models are written as GGUF`);
  return {
    'general.architecture': string('qwen3'),
    'general.name': string(name),
    'qwen3.block_count': uint32(config.numHiddenLayers),
    'qwen3.context_length': uint32(config.maxPositionEmbeddings),
    'qwen3.embedding_length': uint32(config.hiddenSize),
    'qwen3.feed_forward_length': uint32(config.intermediateSize),
    'qwen3.attention.head_count': uint32(config.numAttentionHeads),
    'qwen3.attention.head_count_kv': uint32(config.numKeyValueHeads),
    'qwen3.attention.key_length': uint32(config.headDim),
    'qwen3.attention.value_length': uint32(config.headDim),
    'qwen3.attention.layer_norm_rms_epsilon': float32(config.rmsNormEps),
    'qwen3.rope.freq_base': float32(config.ropeTheta),
    'qwen3.vocab_size': uint32(config.vocabSize),
  };
}

/** What is read of `tokenizer.json`. */
export interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: readonly (string | readonly [string, string])[] };
  added_tokens: readonly { id: number; content: string; special: boolean }[];
}

/** The byte-level BPE of a `tokenizer.json`; ids that it leaves free up to `vocabSize` get names of their own. */
export function tokenizerMetadata(tokenizer: TokenizerFile, config: ModelConfig): GgufMetadata {
  const tokens = Array.from({ length: config.vocabSize }, (_, id) => `[PAD${id}]`);
  const types: number[] = new Array(config.vocabSize).fill(TOKEN_TYPES.unused);
  for (const [token, id] of Object.entries(tokenizer.model.vocab)) {
    tokens[id] = token;
    types[id] = TOKEN_TYPES.normal;
  }
  for (const { id, content, special } of tokenizer.added_tokens) {
    tokens[id] = content;
    types[id] = special ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined;
  }
  const merges = tokenizer.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  const [eos] = config.eosTokenIds;
  return {
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.pre': string('qwen2'),
    'tokenizer.ggml.tokens': { type: GGUFValueType.ARRAY, subType: GGUFValueType.STRING, value: tokens },
    'tokenizer.ggml.token_type': { type: GGUFValueType.ARRAY, subType: GGUFValueType.INT32, value: types },
    'tokenizer.ggml.merges': { type: GGUFValueType.ARRAY, subType: GGUFValueType.STRING, value: merges },
    'tokenizer.ggml.add_bos_token': { type: GGUFValueType.BOOL, value: false },
    ...(eos === undefined ? {} : { 'tokenizer.ggml.eos_token_id': uint32(eos) }),
  };
}

/** All weights of a dense Qwen3: matrices as the checkpoint stores them, norms in f32 as llama.cpp wants them. */
export function qwen3Tensors(checkpoint: Checkpoint, config: ModelConfig): GgufTensor[] {
  return [...expectedWeights(config)].map(([name, shape]): GgufTensor => {
    const stored = checkpoint.get(name);
    const isNorm = shape.length === 1;
    return {
      name: ggufName(name),
      shape,
      type: isNorm ? 'F32' : (stored.info.dtype as GgufTensor['type']),
      bytes: () => (isNorm ? widened(stored, name) : stored.file.read(name)),
    };
  });
}

function widened({ file, info }: StoredTensor, name: string): Uint8Array {
  return new Uint8Array(widen(info.dtype as WeightDtype, file.read(name)).buffer);
}

/** @throws RangeError if llama.cpp has no name for it. */
export function ggufName(name: string): string {
  const [, layer, part] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  const found = part === undefined ? OTHER_NAMES[name] : LAYER_NAMES[part];
  if (found === undefined) throw new RangeError(`llama.cpp has no name for "${name}" in a dense Qwen3`);
  return part === undefined ? found : `blk.${layer}.${found}.weight`;
}
