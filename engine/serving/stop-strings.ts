/**
 * Finds stop strings in a text that arrives in pieces. A stop string is found with its last character, so
 * the result does not depend on how the text is cut.
 */
export class StopStrings {
  readonly #stop: readonly string[];
  /** The longest end of the text so far that is a beginning of a stop string. */
  #held = '';
  #found: string | undefined;

  /** @param stop none of them empty. */
  constructor(stop: readonly string[]) {
    this.#stop = stop;
  }

  /** The stop string that has ended the text. Of several that end at the same character, the longest. */
  get found(): string | undefined {
    return this.#found;
  }

  /**
   * Takes the next piece of the text.
   *
   * @returns the text before the stop string, or before what may become one; '' after a stop string.
   */
  push(piece: string): string {
    if (this.#found !== undefined) return '';
    const text = this.#held + piece;
    let end = text.length + 1;
    for (const stop of this.#stop) {
      const begin = text.indexOf(stop);
      if (begin < 0) continue;
      const stopEnd = begin + stop.length;
      if (stopEnd > end || (stopEnd === end && stop.length <= this.#found!.length)) continue;
      end = stopEnd;
      this.#found = stop;
    }
    if (this.#found !== undefined) {
      this.#held = '';
      return text.slice(0, end - this.#found.length);
    }
    const certain = text.length - this.#lengthOfBeginning(text);
    this.#held = text.slice(certain);
    return text.slice(0, certain);
  }

  /**
   * Ends the text.
   *
   * @returns text that was held back and did not become a stop string.
   */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** @returns the length of the longest end of the text that is a beginning of a stop string. */
  #lengthOfBeginning(text: string): number {
    const longest = Math.max(0, ...this.#stop.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.#stop.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
