import { isBlank, partialTagLength } from './tags.ts';

export const THINK_BEGIN = '<think>';
export const THINK_END = '</think>';

/**
 * What the prompt says of the model's thoughts: the answer may begin with them (Qwen3), the prompt has begun
 * them (Qwen3-Thinking-2507), or there are none: the prompt has ended them, or the model does not think.
 */
export type Thinking = 'possible' | 'begun' | 'none';

/** What a piece of the answer adds to the message. */
export interface ReasoningSplit {
  readonly reasoning: string;
  readonly content: string;
}

/**
 * Splits an answer into the thoughts between `<think>` and `</think>` and the content after them, as it
 * arrives in pieces. The result does not depend on how the text is cut.
 *
 * Only the beginning of an answer can be thoughts: a `<think>` after anything but white space is content,
 * as is every tag after the first `</think>`. Thoughts that are cut before `</think>` are still thoughts, as
 * they have been sent when the text ends. White space before `<think>` is dropped; all other characters but
 * the tags are kept, as in vLLM: Qwen3's content begins with two line feeds.
 */
export class ReasoningParser {
  #thinking: Thinking;
  /** White space at the beginning, kept while the state is `possible`. */
  #space = '';
  /** What may become a tag. */
  #held = '';

  constructor(thinking: Thinking) {
    this.#thinking = thinking;
  }

  push(piece: string): ReasoningSplit {
    if (this.#thinking === 'possible') return this.#begin(piece);
    if (this.#thinking === 'begun') return this.#think(piece);
    return { reasoning: '', content: piece };
  }

  /** Ends the text: what was held back did not become a tag. */
  end(): ReasoningSplit {
    const text = this.#space + this.#held;
    this.#space = '';
    this.#held = '';
    return this.#thinking === 'begun' ? { reasoning: text, content: '' } : { reasoning: '', content: text };
  }

  #begin(piece: string): ReasoningSplit {
    if (this.#held === '') {
      const text = isBlank(piece) ? '' : piece.trimStart();
      this.#space += piece.slice(0, piece.length - text.length);
      this.#held = text;
    } else this.#held += piece;
    if (this.#held.startsWith(THINK_BEGIN)) {
      const text = this.#held.slice(THINK_BEGIN.length);
      this.#space = '';
      this.#held = '';
      this.#thinking = 'begun';
      return this.#think(text);
    }
    if (THINK_BEGIN.startsWith(this.#held)) return { reasoning: '', content: '' };
    this.#thinking = 'none';
    return this.end();
  }

  #think(piece: string): ReasoningSplit {
    const text = this.#held + piece;
    const end = text.indexOf(THINK_END);
    if (end >= 0) {
      this.#held = '';
      this.#thinking = 'none';
      return { reasoning: text.slice(0, end), content: text.slice(end + THINK_END.length) };
    }
    const certain = text.length - partialTagLength(text, THINK_END);
    this.#held = text.slice(certain);
    return { reasoning: text.slice(0, certain), content: '' };
  }
}
