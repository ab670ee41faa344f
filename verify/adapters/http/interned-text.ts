import type { Dialect, ScoredRow, ScoredToken } from './dialect.ts';
import type { TokenText } from './token-text.ts';

/** What is used of a model's texts. */
export type TextOfTokens = Pick<TokenText, 'encode' | 'idOf' | 'textOf' | 'isExact'>;

/** Bytes that form no character: many tokens have this text. */
const REPLACEMENT = '\ufffd';

/**
 * Texts numbered as they come, for a server of text whose tokenizer is not known: a prompt is one id, and
 * each token's text another. Enough to see whether answers are the same.
 */
export class InternedText implements TextOfTokens {
  readonly isExact = false;
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];

  encode(text: string): number[] {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#texts.push(text) - 1;
      this.#ids.set(text, id);
    }
    return [id];
  }

  idOf(text: string): number | undefined {
    return text === '' || text.includes(REPLACEMENT) ? undefined : this.encode(text)[0];
  }

  textOf(ids: readonly number[]): string {
    return ids.map((id) => this.#texts[id] ?? '').join('');
  }
}

/**
 * A dialect whose prompts and tokens are texts alone: ids would be those of a tokenizer that is not known.
 */
export function textAlone(dialect: Dialect): Dialect {
  const asText = <T extends Pick<ScoredToken, 'id' | 'text'>>({ id: _, ...token }: T) => token;
  const rowAsText = (row: ScoredRow | undefined): ScoredRow | undefined => row?.map(asText);
  const { tokenize: _, tokenizeChat: __, ...rest } = dialect;
  return {
    ...rest,
    prompts: ['text'],
    readCompletion(answer, question) {
      const { tokens, rows, finishReason } = dialect.readCompletion(answer, question);
      return { tokens: tokens.map(asText), ...(rows ? { rows: rows.map(rowAsText) } : {}), finishReason };
    },
  };
}
