import { z } from 'zod';
import { show, TokenizerError } from '../errors.ts';
import { BYTE_CHARACTERS } from './byte-level.ts';
import { decoder, hasForeignPattern, normalizer, postProcessor, preTokenizer } from './tokenizer-stages.ts';

/** The library keeps tokens in an array indexed by id. */
const MAX_ID = 2 ** 31 - 1;
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What `tokenizer.json` may say: byte-level BPE, as every Qwen3 has it. A key that neither this engine nor
 * its library honours is refused: another tokenizer would follow it and give other ids.
 */
const tokenizerJson = z.strictObject({
  version: z.unknown().optional(),
  // What was set when the file was saved, as training does; transformers turns both off unless a call asks.
  truncation: z.unknown().optional(),
  padding: z.unknown().optional(),
  model: z.strictObject({
    type: z.literal('BPE'),
    // Checked below, because zod would report an error for each of a hundred thousand entries.
    vocab: z.custom<Record<string, unknown>>(isObject, 'expected an object'),
    merges: z.custom<unknown[]>(Array.isArray, 'expected an array'),
    // Dropout makes ids random; a prefix or suffix of words is part of other vocabularies.
    dropout: z.union([z.literal(0), z.null()]).optional(),
    continuing_subword_prefix: z.union([z.literal(''), z.null()]).optional(),
    end_of_word_suffix: z.union([z.literal(''), z.null()]).optional(),
    // Every byte has a token, so that nothing is unknown.
    unk_token: z.string().nullish(),
    fuse_unk: z.boolean().optional(),
    byte_fallback: z.literal(false).optional(),
    ignore_merges: z.boolean().optional(),
  }),
  normalizer,
  pre_tokenizer: preTokenizer,
  post_processor: postProcessor,
  decoder,
  added_tokens: z.array(
    z.strictObject({
      id: z.custom<number>(isTokenId, `expected a whole number from 0 to ${MAX_ID}`),
      content: z.string().min(1),
      special: z.boolean().optional(),
      normalized: z.boolean().optional(),
      lstrip: z.boolean().optional(),
      rstrip: z.boolean().optional(),
      // It would have to be found at the borders of words only.
      single_word: z.literal(false).optional(),
    }),
  ),
});

/** A token outside the BPE, such as `<|im_end|>`: found in the text as it stands, never cut. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Whether decoding with `skipSpecialTokens` leaves it out. */
  readonly special: boolean;
}

/** What {@link parseTokenizerJson} found. */
export interface ParsedTokenizerJson {
  readonly addedTokens: readonly AddedToken[];
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** Whether texts are cut by a pattern that is not Qwen's, which may take any time. */
  readonly hasForeignPattern: boolean;
}

/**
 * Checks a parsed `tokenizer.json`.
 *
 * @param path where it came from, for messages.
 * @throws TokenizerError if it is no byte-level BPE, an id is used twice, a merge speaks of tokens that do
 * not exist, or a byte has no token (texts with that byte would silently lose it).
 */
export function parseTokenizerJson(json: unknown, path: string): ParsedTokenizerJson {
  const result = tokenizerJson.safeParse(json);
  if (!result.success) {
    const { path: key, message } = result.error.issues[0];
    throw new TokenizerError(
      `${path}: ${placeOf(key)}: ${message.slice(0, 200)}; this engine reads byte-level BPE tokenizers`,
    );
  }
  const { model, added_tokens } = result.data;
  const tokenOfId = tokensById(model.vocab, path);
  checkMerges(model.merges, model.vocab, path);
  const byteWithout = BYTE_CHARACTERS.findIndex((character) => !Object.hasOwn(model.vocab, character));
  if (byteWithout !== -1) {
    throw new TokenizerError(
      `${path}: model.vocab has no token "${BYTE_CHARACTERS[byteWithout]}" for byte ${byteWithout}; expected all 256`,
    );
  }
  for (const { id, content } of added_tokens) {
    const other = tokenOfId[id];
    if (other !== undefined && other !== content) {
      throw new TokenizerError(
        `${path}: added token ${show(content)} has id ${id}, which is ${show(other)} already`,
      );
    }
    tokenOfId[id] = content;
  }
  const addedTokens = added_tokens.map(({ id, content, special = false }) => ({ id, content, special }));
  return {
    ...{ addedTokens, vocabSize: tokenOfId.length },
    hasForeignPattern: hasForeignPattern(result.data.pre_tokenizer),
  };
}

function placeOf(key: readonly PropertyKey[]): string {
  return key.join('.').slice(0, 100) || 'the whole';
}

/** @returns an array with holes, which takes a third of the time of a Map. */
function tokensById(vocab: Record<string, unknown>, path: string): (string | undefined)[] {
  const tokenOfId: (string | undefined)[] = [];
  for (const token of Object.keys(vocab)) {
    const id = vocab[token];
    if (!isTokenId(id)) {
      throw new TokenizerError(
        `${path}: model.vocab[${show(token)}]: ${show(id)} is not a whole number from 0 to ${MAX_ID}`,
      );
    }
    const other = tokenOfId[id];
    if (other !== undefined) {
      throw new TokenizerError(
        `${path}: model.vocab[${show(token)}]: id ${id} belongs to ${show(other)} already`,
      );
    }
    tokenOfId[id] = token;
  }
  return tokenOfId;
}

/**
 * A merge is `"left right"`, or in newer files `["left", "right"]`, as the first of them is: the library
 * would silently pass over one of the other form. Left, right and the two joined must be tokens.
 */
function checkMerges(merges: readonly unknown[], vocab: Record<string, unknown>, path: string): void {
  const form = typeof merges[0];
  // All that the vocabulary has are numbers, and nothing is that it inherits: sooner than Object.hasOwn.
  const isToken = (token: string) => typeof vocab[token] === 'number';
  merges.forEach((merge, rank) => {
    const where = () => `${path}: model.merges[${rank}]: ${show(merge)}`;
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!isPair(pair) || typeof merge !== form) {
      throw new TokenizerError(`${where()} is not a pair of tokens written as the first merge is`);
    }
    const [left, right] = pair;
    if (isToken(left) && isToken(right) && isToken(left + right)) return;
    const missing = [left, right, left + right].find((token) => !isToken(token));
    throw new TokenizerError(`${where()} needs the token ${show(missing)}, which is not in model.vocab`);
  });
}

function isTokenId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_ID;
}

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string'
  );
}
