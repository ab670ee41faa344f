import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { escapeControls, show, TokenizerError } from '../errors.ts';
import { bytesOfToken } from './byte-level.ts';
import { readJsonFile } from './json-file.ts';
import { createTextStream, NO_BYTES, type TextStream, type TokenPiece } from './stream.ts';
import { type ParsedTokenizerJson, parseTokenizerJson } from './tokenizer-json.ts';
import { withinTime } from './within-time.ts';

/** The keys of `tokenizer_config.json` that change what is encoded or decoded. */
const tokenizerConfigJson = z.object({
  additional_special_tokens: z.array(z.unknown()).nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
});

/** Encoding with a pattern that is not known to be fast ends with an error after this time. */
const ENCODE_LIMIT_MS = 5_000;
/** A long text has more time: a hundredth of the speed of Qwen's pattern on a slow machine. */
const ENCODE_LIMIT_PER_CHARACTER_MS = 0.05;

/** What is used of the library, whose own type declarations do not resolve under `nodenext`. */
interface TokenizerLibrary {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  id_to_token(id: number): string | undefined;
}

/** Token ids of Python's and Rust's type, u32; what is above cannot be an id of any model. */
const MAX_TOKEN_ID = 2 ** 32 - 1;

/** Tokenizers in use, by the versions of their files. */
const inUse = new Map<string, WeakRef<Tokenizer>>();

/** What {@link Tokenizer.encode} takes beside the text. */
export interface EncodeOptions {
  /** Whether the tokenizer's own post-processor may add tokens (Qwen3's adds none). Default true. */
  addSpecialTokens?: boolean;
}

/** What {@link Tokenizer.decode} and {@link Tokenizer.createStream} take. */
export interface DecodeOptions {
  /** Whether tokens marked special, such as `<|im_end|>`, are left out. Default false. */
  skipSpecialTokens?: boolean;
}

/**
 * Text to token ids and back, with the byte-level BPE of a HuggingFace model directory.
 *
 * Encoding is `@huggingface/tokenizers`'. Decoding is done here, because that library decodes only whole
 * sequences: it gives the same text, for streams too, and an empty sequence is '' instead of an error.
 */
export class Tokenizer {
  /** One more than the highest id that has a token. A model's embedding may be padded beyond it. */
  readonly vocabSize: number;
  readonly #tokenizer: TokenizerLibrary;
  readonly #addedTokens: ReadonlyMap<number, string>;
  readonly #specialIds: ReadonlySet<number>;
  readonly #hasForeignPattern: boolean;
  readonly #encodeLimitMs: number;

  private constructor(
    tokenizer: TokenizerLibrary,
    parsed: ParsedTokenizerJson,
    extraSpecial: ReadonlySet<unknown>,
    encodeLimitMs: number,
  ) {
    this.#tokenizer = tokenizer;
    this.vocabSize = parsed.vocabSize;
    this.#hasForeignPattern = parsed.hasForeignPattern;
    this.#encodeLimitMs = encodeLimitMs;
    this.#addedTokens = new Map(parsed.addedTokens.map(({ id, content }) => [id, content]));
    this.#specialIds = new Set(
      parsed.addedTokens
        .filter((token) => token.special || extraSpecial.has(token.content))
        .map(({ id }) => id),
    );
  }

  /**
   * Reads `tokenizer.json` and `tokenizer_config.json` of a model directory. Reading Qwen3's takes more than
   * half a second, so a tokenizer that is still in use is returned again if its files have not changed.
   *
   * @param encodeLimitMs time for encoding a short text if its pattern is not Qwen's. Default 5 s.
   * @throws TokenizerError if a file is missing, unreadable, cut short or malformed, or describes a
   * tokenizer that this engine does not support.
   */
  static async load(modelDir: string, encodeLimitMs: number = ENCODE_LIMIT_MS): Promise<Tokenizer> {
    const path = join(modelDir, 'tokenizer.json');
    const configPath = join(modelDir, 'tokenizer_config.json');
    const versions = `${await versionOf(path)} ${await versionOf(configPath)}`;
    const known = inUse.get(versions)?.deref();
    if (known) return known;
    const tokenizer = await Tokenizer.#read(path, configPath, encodeLimitMs);
    inUse.set(versions, new WeakRef(tokenizer));
    return tokenizer;
  }

  static async #read(path: string, configPath: string, encodeLimitMs: number): Promise<Tokenizer> {
    // One after the other: of two missing files, always the same is named.
    const json = await readRequired(path);
    const configJson = await readRequired(configPath);
    const parsed = parseTokenizerJson(json, path);
    const config = tokenizerConfigJson.safeParse(configJson);
    if (!config.success) {
      const { path: key, message } = config.error.issues[0];
      throw new TokenizerError(`${configPath}: ${key.join('.') || 'the whole'}: ${message}`);
    }
    if (config.data.clean_up_tokenization_spaces) {
      // It deletes spaces before punctuation in decoded text: not what the model wrote, and not streamable.
      throw new TokenizerError(
        `${configPath}: clean_up_tokenization_spaces true is not supported by this engine; expected false`,
      );
    }
    let tokenizer: TokenizerLibrary;
    try {
      tokenizer = new HuggingFaceTokenizer(json, config.data);
    } catch (cause) {
      throw new TokenizerError(`${path}: the tokenizer cannot be built: ${shortened(cause)}`, { cause });
    }
    const extraSpecial = new Set(config.data.additional_special_tokens);
    return new Tokenizer(tokenizer, parsed, extraSpecial, encodeLimitMs);
  }

  /**
   * Token ids of a text. Special tokens written out in the text become their ids, as in HuggingFace. A lone
   * surrogate is encoded as U+FFFD, as transformers.js does it (Python refuses such a string).
   *
   * @throws TokenizerError if `text` is not a string, or the tokenizer's own pattern takes unreasonably long.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    if (typeof text !== 'string') {
      throw new TokenizerError(`cannot encode ${show(text)}; expected a string`);
    }
    const encode = () =>
      this.#tokenizer.encode(text, { add_special_tokens: options.addSpecialTokens ?? true }).ids;
    try {
      if (!this.#hasForeignPattern) return encode();
      const limitMs = Math.ceil(this.#encodeLimitMs + text.length * ENCODE_LIMIT_PER_CHARACTER_MS);
      return withinTime(limitMs, encode, () => tooSlow(text, limitMs));
    } catch (cause) {
      if (cause instanceof TokenizerError) throw cause;
      throw new TokenizerError(`cannot encode ${show(text)}: ${shortened(cause)}`, { cause });
    }
  }

  /**
   * The text of token ids. Bytes that form no character become U+FFFD. An id without a token adds nothing:
   * models pad their vocabulary (Qwen3 has 151,936 rows for 151,669 tokens) and can generate such an id.
   *
   * @throws TokenizerError if an id is not a whole number from 0 to 2^32 - 1; it names the position.
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const stream = this.createStream(options);
    return Array.from(ids, (id, position) => stream.push(checkId(id, position))).join('') + stream.end();
  }

  /**
   * The tokens as the vocabulary spells them, e.g. `Ġworld`; '' for an id without a token.
   *
   * @throws TokenizerError as {@link decode} does.
   */
  tokens(ids: Iterable<number>): string[] {
    return Array.from(ids, (id, position) => this.#tokenizer.id_to_token(checkId(id, position)) ?? '');
  }

  /**
   * The bytes that a token adds to a text, which need not be whole characters; none for an id without a
   * token.
   *
   * @throws TokenizerError as {@link decode} does.
   */
  bytesOf(id: number): Uint8Array {
    const piece = this.#pieceOf(checkId(id), false);
    return typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
  }

  /** Whether a token is marked special, such as `<|im_end|>`. */
  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /** A decoder for ids that arrive one by one; see {@link decode} for what they become. */
  createStream(options: DecodeOptions = {}): TextStream {
    return createTextStream((id) => this.#pieceOf(checkId(id), options.skipSpecialTokens ?? false));
  }

  #pieceOf(id: number, skipSpecialTokens: boolean): TokenPiece {
    // A token left out leaves no trace: bytes before and after it may complete one character.
    if (skipSpecialTokens && this.#specialIds.has(id)) return NO_BYTES;
    const added = this.#addedTokens.get(id);
    if (added !== undefined) return added;
    return bytesOfToken(this.#tokenizer.id_to_token(id) ?? '');
  }
}

/** Changes with the file and with any change of it; undefined if there is no such file. */
async function versionOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
}

async function readRequired(path: string): Promise<unknown> {
  const json = await readJsonFile(path, TokenizerError);
  if (json !== undefined) return json;
  throw new TokenizerError(
    `cannot find ${path}; text needs tokenizer.json and tokenizer_config.json in the model directory`,
  );
}

/** Why the library fails; it quotes whole patterns. */
function shortened(cause: unknown): string {
  return escapeControls((cause instanceof Error ? cause.message : show(cause)).slice(0, 200));
}

function tooSlow(text: string, limitMs: number): TokenizerError {
  return new TokenizerError(
    `cannot encode ${show(text)}: the pattern of pre_tokenizer takes more than ${limitMs} ms for ${text.length} characters; ` +
      'use a tokenizer whose pattern does not backtrack without end',
  );
}

function checkId(id: number, position?: number): number {
  if (Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID) return id;
  const where = position === undefined ? '' : ` at position ${position}`;
  throw new TokenizerError(`token id ${show(id)}${where} is not a whole number from 0 to ${MAX_TOKEN_ID}`);
}
