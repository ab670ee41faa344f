import { Tokenizer } from '../../../engine/text/tokenizer.ts';
import { NotSupportedError } from '../../errors.ts';

/** What is used of a model's tokenizer. */
export type TextTokenizer = Pick<Tokenizer, 'encode' | 'decode' | 'bytesOf' | 'vocabSize'>;

/** U+FFFD stands for bytes that form no character: many tokens have it as their text. */
const REPLACEMENT = '\ufffd';
/** How OpenAI and others write a token of bytes that are no whole characters: `bytes:\xe2\x80`. */
const BYTES = /^bytes:((?:\\x[0-9a-f]{2})+)$/i;

/** Turns ids into text and back, for servers that take or give text alone. */
export class TokenText {
  /** Whether the ids are the model's own, so that prompts can be counted in them. */
  readonly isExact: boolean = true;
  readonly #tokenizer: TextTokenizer;
  readonly #ids = new Map<string, number | undefined>();
  /** By the bytes of each token, as characters; undefined if several have them. */
  #vocabulary: ReadonlyMap<string, number | undefined> | undefined;

  constructor(tokenizer: TextTokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** @returns undefined if the directory has no tokenizer that can be read. */
  static async load(modelDir: string): Promise<TokenText | undefined> {
    const tokenizer = await Tokenizer.load(modelDir).catch(() => undefined);
    return tokenizer && new TokenText(tokenizer);
  }

  /** The ids of a text, as the model's own tokenizer makes them. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { addSpecialTokens: false });
  }

  /**
   * The id that a token's text stands for: the one that it encodes to if that has the same bytes, or else the
   * only token that has them. Undefined without such a token.
   */
  idOf(text: string): number | undefined {
    if (!this.#ids.has(text)) this.#ids.set(text, this.#find(text));
    return this.#ids.get(text);
  }

  /**
   * The text that a tokenizer turns into exactly these ids.
   *
   * @param asked messages begin with it.
   * @throws NotSupportedError if there is no such text.
   */
  textOf(ids: readonly number[], asked: string): string {
    const text = this.#tokenizer.decode(ids);
    const again = this.encode(text);
    const at = Array.from({ length: Math.max(ids.length, again.length) }, (_, i) => i).find(
      (i) => ids[i] !== again[i],
    );
    if (at === undefined) return text;
    const reason = text.endsWith(REPLACEMENT)
      ? 'the prompt ends in the middle of a character'
      : `token ${at} becomes another`;
    throw new NotSupportedError(
      `${asked}: the server takes text, and no text encodes to these ${ids.length} ids: ${reason}; ` +
        'expected ids that a text encodes to',
    );
  }

  #find(text: string): number | undefined {
    if (text === '' || text.includes(REPLACEMENT)) return undefined;
    const bytes = BYTES.exec(text)?.[1];
    if (bytes) return this.#withBytes(Buffer.from(bytes.replaceAll('\\x', ''), 'hex'));
    const ids = this.encode(text);
    const own = Buffer.from(text);
    // A tokenizer makes several others of some tokens' texts, or, by normalising them, another one.
    const isOwn = ids.length === 1 && own.equals(this.#tokenizer.bytesOf(ids[0]));
    return isOwn ? ids[0] : this.#withBytes(own);
  }

  #withBytes(bytes: Buffer): number | undefined {
    this.#vocabulary ??= vocabularyOf(this.#tokenizer);
    return this.#vocabulary.get(bytes.toString('latin1'));
  }
}

function vocabularyOf(tokenizer: TextTokenizer): ReadonlyMap<string, number | undefined> {
  const ids = new Map<string, number | undefined>();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const { buffer, byteOffset, length } = tokenizer.bytesOf(id);
    const bytes = Buffer.from(buffer, byteOffset, length).toString('latin1');
    ids.set(bytes, ids.has(bytes) ? undefined : id);
  }
  return ids;
}
