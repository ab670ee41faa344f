import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors-writer.ts';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../../engine/config.ts';
import { BYTE_CHARACTERS } from '../../../engine/text/byte-level.ts';
import { QWEN3_TOKENIZER_DIR } from './tokenizer.ts';

const END = '<|im_end|>';
const SPECIAL = ['<|im_start|>', END];
const HIDDEN_SIZE = 64;
/** So that the next token is certain at any temperature. */
const LOGIT = 64;

/**
 * Writes a Qwen3 model that says what scripts say, with Qwen3's chat template: attention and MLP are zero,
 * so that the next token depends on the last one alone.
 *
 * @param scripts texts of tokens, each followed by the next one and the last by `<|im_end|>`; a text has one
 * follower in all scripts. After any other token comes `otherwise`, a text of a script.
 */
export function writeScriptedCheckpoint(
  modelDir: string,
  scripts: readonly (readonly string[])[],
  otherwise: string,
): void {
  const followers = new Map(scripts.flatMap((texts) => texts.map((text, i) => [text, texts[i + 1] ?? END])));
  const added = [...new Set([...SPECIAL, ...scripts.flat()])].filter((text) => text.length > 1);
  const idOf = (text: string) =>
    text.length === 1 ? text.charCodeAt(0) : BYTE_CHARACTERS.length + added.indexOf(text);
  const vocabSize = BYTE_CHARACTERS.length + added.length;
  const config = {
    ...{ architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', torch_dtype: 'float32' },
    ...{ vocab_size: vocabSize, hidden_size: HIDDEN_SIZE, intermediate_size: 64, num_hidden_layers: 1 },
    ...{ num_attention_heads: 2, num_key_value_heads: 1, head_dim: 32, max_position_embeddings: 4096 },
    ...{ rms_norm_eps: 1e-6, rope_theta: 1e6, tie_word_embeddings: false, eos_token_id: idOf(END) },
  };
  // Each text with a follower has a dimension of its own; all other tokens share the first.
  const embedding = new Float32Array(vocabSize * HIDDEN_SIZE);
  const head = new Float32Array(vocabSize * HIDDEN_SIZE);
  const dimensions = [...followers.keys()];
  if (dimensions.length >= HIDDEN_SIZE)
    throw new RangeError(`${dimensions.length} texts have followers; expected 63`);
  for (let id = 0; id < vocabSize; id++) {
    const dimension = dimensions.findIndex((text) => idOf(text) === id) + 1;
    embedding[id * HIDDEN_SIZE + dimension] = 1;
  }
  // The norm makes 1 in one dimension the square root of the number of dimensions.
  const weight = LOGIT / Math.sqrt(HIDDEN_SIZE);
  head[idOf(otherwise) * HIDDEN_SIZE] = weight;
  for (const [i, text] of dimensions.entries())
    head[idOf(followers.get(text)!) * HIDDEN_SIZE + i + 1] = weight;
  const tensors = new Map(
    [...expectedWeights(parseModelConfig(config))].map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b));
      if (name.includes('norm')) data.fill(1);
      if (name === 'model.embed_tokens.weight') data.set(embedding);
      if (name === 'lm_head.weight') data.set(head);
      return [name, { dtype: 'F32', shape, data }];
    }),
  );
  mkdirSync(modelDir, { recursive: true });
  writeSafetensors(join(modelDir, 'model.safetensors'), tensors);
  for (const [file, json] of Object.entries({ 'config.json': config, ...tokenizerFiles(added) }))
    writeFileSync(join(modelDir, file), JSON.stringify(json));
}

/** A token for each byte, and the added ones. */
function tokenizerFiles(added: readonly string[]): Record<string, unknown> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const { chat_template } = JSON.parse(
    readFileSync(join(QWEN3_TOKENIZER_DIR, 'tokenizer_config.json'), 'utf8'),
  );
  return {
    'tokenizer.json': {
      ...{ version: '1.0', truncation: null, padding: null, normalizer: null, post_processor: null },
      added_tokens: added.map((content, i) => ({
        ...{ id: BYTE_CHARACTERS.length + i, content, special: SPECIAL.includes(content) },
        ...{ lstrip: false, normalized: false, rstrip: false, single_word: false },
      })),
      ...{ pre_tokenizer: byteLevel, decoder: byteLevel },
      model: {
        ...{ type: 'BPE', dropout: null, unk_token: null, fuse_unk: false, byte_fallback: false, merges: [] },
        ...{ continuing_subword_prefix: null, end_of_word_suffix: null },
        vocab: Object.fromEntries(BYTE_CHARACTERS.map((character, byte) => [character, byte])),
      },
    },
    'tokenizer_config.json': {
      ...{
        chat_template,
        clean_up_tokenization_spaces: false,
        eos_token: END,
        tokenizer_class: 'Qwen2Tokenizer',
      },
    },
  };
}
