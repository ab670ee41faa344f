import { createTextStream, type TextStream } from '../../text/stream.ts';

/** Finds where each token begins in a text, in Unicode characters, as tokens arrive. */
export class TextOffsets {
  /** Characters of the text so far. */
  #length: number;
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #stream: TextStream;

  /**
   * @param bytesOf what a token adds to the text, which need not be whole characters.
   * @param begin characters before the first token.
   */
  constructor(bytesOf: (id: number) => Uint8Array, begin = 0) {
    this.#length = begin;
    this.#bytesOf = bytesOf;
    this.#stream = createTextStream(bytesOf);
  }

  /** Characters of the text so far, without one that is unfinished. */
  get length(): number {
    return this.#length;
  }

  /**
   * @returns where the token begins, or the character that it continues; and the characters that it
   * completes.
   */
  push(id: number): { offset: number; text: string } {
    const [first] = this.#bytesOf(id);
    // A token that does not continue a character ends one that is unfinished, as U+FFFD.
    const before = first === undefined || isContinuation(first) ? '' : this.#count(this.#stream.end());
    const offset = this.#length;
    return { offset, text: before + this.#count(this.#stream.push(id)) };
  }

  /** Ends the text. @returns a character that was unfinished, as U+FFFD. */
  end(): string {
    return this.#count(this.#stream.end());
  }

  #count(text: string): string {
    for (const _ of text) this.#length++;
    return text;
  }
}

/** Whether a byte of UTF-8 is not the first of its character. */
function isContinuation(byte: number): boolean {
  return byte >> 6 === 0b10;
}
