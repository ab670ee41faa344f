import { z } from 'zod';
import { show, TokenizerError } from '../errors.ts';
import { BYTE_CHARACTERS } from './byte-level.ts';

/** The library keeps tokens in an array indexed by id. */
const MAX_ID = 2 ** 31 - 1;
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The parts of `tokenizer.json` that this engine relies on: byte-level BPE, as every Qwen3 has it. The
 * stages it does not look into (normalizer, pre-tokenizer, post-processor) are checked by the library that
 * runs them.
 */
const tokenizerJson = z.object({
  model: z.object({
    type: z.literal('BPE'),
    // Checked below, because zod would report an error for each of a hundred thousand entries.
    vocab: z.custom<Record<string, unknown>>(isObject, 'expected an object'),
    merges: z.custom<unknown[]>(Array.isArray, 'expected an array'),
  }),
  decoder: z.object({ type: z.literal('ByteLevel') }),
  added_tokens: z.array(
    z.object({
      id: z.custom<number>(isTokenId, `expected a whole number from 0 to ${MAX_ID}`),
      content: z.string().min(1),
      special: z.boolean().optional(),
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
      `${path}: ${key.join('.') || 'the whole'}: ${message}; this engine reads byte-level BPE tokenizers`,
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
    const other = tokenOfId.get(id);
    if (other !== undefined && other !== content) {
      throw new TokenizerError(
        `${path}: added token ${show(content)} has id ${id}, which is ${show(other)} already`,
      );
    }
    tokenOfId.set(id, content);
  }
  let vocabSize = 0;
  for (const id of tokenOfId.keys()) vocabSize = Math.max(vocabSize, id + 1);
  const addedTokens = added_tokens.map(({ id, content, special = false }) => ({ id, content, special }));
  return { addedTokens, vocabSize };
}

function tokensById(vocab: Record<string, unknown>, path: string): Map<number, string> {
  const tokenOfId = new Map<number, string>();
  for (const token of Object.keys(vocab)) {
    const id = vocab[token];
    if (!isTokenId(id)) {
      throw new TokenizerError(
        `${path}: model.vocab[${show(token)}]: ${show(id)} is not a whole number from 0 to ${MAX_ID}`,
      );
    }
    const other = tokenOfId.get(id);
    if (other !== undefined) {
      throw new TokenizerError(
        `${path}: model.vocab[${show(token)}]: id ${id} belongs to ${show(other)} already`,
      );
    }
    tokenOfId.set(id, token);
  }
  return tokenOfId;
}

/**
 * A merge is `"left right"`, or in newer files `["left", "right"]`, as the first of them is: the library
 * would silently pass over one of the other form. Left, right and the two joined must be tokens.
 */
function checkMerges(merges: readonly unknown[], vocab: Record<string, unknown>, path: string): void {
  const form = typeof merges[0];
  merges.forEach((merge, rank) => {
    const where = () => `${path}: model.merges[${rank}]: ${show(merge)}`;
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!isPair(pair) || typeof merge !== form) {
      throw new TokenizerError(`${where()} is not a pair of tokens written as the first merge is`);
    }
    const [left, right] = pair;
    const missing = [left, right, left + right].find((token) => !Object.hasOwn(vocab, token));
    if (missing !== undefined) {
      throw new TokenizerError(`${where()} needs the token ${show(missing)}, which is not in model.vocab`);
    }
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
