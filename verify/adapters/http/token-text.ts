import { Tokenizer } from '../../../engine/text/tokenizer.ts';
import { NotSupportedError } from '../../errors.ts';

/** What is used of a model's tokenizer. */
export type TextTokenizer = Pick<Tokenizer, 'encode' | 'decode'>;

/** U+FFFD stands for bytes that form no character: many tokens have it as their text. */
const REPLACEMENT = '\ufffd';

/** Turns ids into text and back, for servers that take or give text alone. */
export class TokenText {
  /** Whether the ids are the model's own, so that prompts can be counted in them. */
  readonly isExact: boolean = true;
  readonly #tokenizer: TextTokenizer;
  readonly #ids = new Map<string, number | undefined>();

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

  /** The id that a token's text stands for; undefined if the text is not exactly one token. */
  idOf(text: string): number | undefined {
    if (!this.#ids.has(text)) this.#ids.set(text, this.#encodeOne(text));
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

  #encodeOne(text: string): number | undefined {
    if (text === '' || text.includes(REPLACEMENT)) return undefined;
    const ids = this.encode(text);
    return ids.length === 1 ? ids[0] : undefined;
  }
}
