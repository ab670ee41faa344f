import { join } from 'node:path';
import type { ModelConfig } from '../../../engine/config.ts';
import { TokenizerError } from '../../../engine/errors.ts';
import { readChatTemplates } from '../../../engine/text/chat.ts';
import { readJsonFile } from '../../../engine/text/json-file.ts';
import { parseTokenizerJson } from '../../../engine/text/tokenizer-json.ts';
import { QWEN2_PATTERN } from '../../../engine/text/tokenizer-stages.ts';
import { standInTokenizer } from '../../fixtures/stand-in-tokenizer.ts';
import { type GgufMetadata, string, uint32 } from './metadata.ts';

/** The parts of `tokenizer.json` that are written. */
export interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: readonly (string | readonly [string, string])[] };
  added_tokens: readonly { id: number; content: string; special?: boolean }[];
  pre_tokenizer?: unknown;
}

/** llama.cpp's types of tokens. */
const TOKEN_TYPES = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

/**
 * A model directory's tokenizer and chat template for llama.cpp, which loads no model without. A directory
 * that has no `tokenizer.json` gets one token for each byte, then `<256>`, `<257>` and so on.
 *
 * @throws TokenizerError if a file is malformed, the tokenizer is not Qwen's or has more ids than the model;
 * or, without tokenizer, if the vocabulary is too small for a token for each byte.
 * @throws ChatTemplateError if the template's file is malformed.
 */
export async function readTokenizerMetadata(modelDir: string, config: ModelConfig): Promise<GgufMetadata> {
  const path = join(modelDir, 'tokenizer.json');
  const json = (await readJsonFile(path, TokenizerError)) ?? standIn(path, config);
  const { vocabSize } = parseTokenizerJson(json, path);
  if (vocabSize > config.vocabSize) {
    throw new TokenizerError(`${path}: has ids up to ${vocabSize - 1}; the model has ${config.vocabSize}`);
  }
  const tokenizer = json as TokenizerFile;
  refuseForeign(tokenizer, path);
  const { sources, specialTokens } = await readChatTemplates(modelDir);
  const template = sources?.get('default');
  return {
    ...tokenizerMetadata(tokenizer, config, specialTokens),
    ...(template === undefined ? {} : { 'tokenizer.chat_template': string(template) }),
  };
}

function standIn(path: string, { vocabSize }: ModelConfig): unknown {
  // A token for each byte, and two that are special.
  if (vocabSize >= 258) return standInTokenizer(vocabSize)['tokenizer.json'];
  throw new TokenizerError(
    `${path} is missing, and a vocabulary of ${vocabSize} is too small for a token for each byte; expected 258 or more`,
  );
}

/** Without merges a text is cut into bytes in any case. */
function refuseForeign({ model, pre_tokenizer }: TokenizerFile, path: string): void {
  if (model.merges.length === 0) return;
  const text = JSON.stringify(pre_tokenizer ?? null);
  if (text.includes(JSON.stringify(QWEN2_PATTERN))) return;
  throw new TokenizerError(
    `${path}: pre_tokenizer does not cut texts as Qwen3's does, the only one that is written as GGUF; export with --format hf`,
  );
}

/**
 * The byte-level BPE of a `tokenizer.json`; ids that it leaves free up to the model's vocabulary get names
 * of their own.
 *
 * @param specialTokens by their keys in `tokenizer_config.json`; those that are no tokens are left out.
 */
export function tokenizerMetadata(
  tokenizer: TokenizerFile,
  config: ModelConfig,
  specialTokens: Readonly<Record<string, string>> = {},
): GgufMetadata {
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
  const special = (name: string, id: number | undefined): GgufMetadata =>
    id === undefined || id < 0 ? {} : { [`tokenizer.ggml.${name}_token_id`]: uint32(id) };
  const idOf = (key: string) => tokens.indexOf(specialTokens[key]);
  return {
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.pre': string('qwen2'),
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.token_type': { type: 'int32s', value: types },
    'tokenizer.ggml.merges': { type: 'strings', value: merges },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    ...special('bos', idOf('bos_token')),
    ...special('eos', config.eosTokenIds[0]),
    ...special('padding', idOf('pad_token')),
  };
}
