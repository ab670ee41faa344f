/** Turns token ids into text as they arrive. All pieces joined are the text of all ids at once, exactly. */
export interface TextStream {
  /**
   * Takes the next token.
   *
   * @returns the characters this token completes; '' while one is still unfinished.
   * @throws TokenizerError if `id` is not a token id; the stream can go on with another.
   */
  push(id: number): string;
  /**
   * Ends the text: a character left unfinished becomes U+FFFD. Afterwards the stream is as new.
   *
   * @returns what was held back, usually ''.
   */
  end(): string;
}

/**
 * What a token adds to a text: bytes, which need not be whole characters, or, for an added token such as
 * `<|im_end|>`, text that stands apart from the bytes around it.
 */
export type TokenPiece = Uint8Array | string;

/** What an id without a token, or a token that is left out, adds to a text. */
export const NO_BYTES = new Uint8Array(0);

/**
 * A stream over a tokenizer's pieces, at a constant cost per token.
 *
 * Tokens of a byte-level BPE cut characters anywhere (an emoji is often three tokens). Holding text back
 * while it ends in U+FFFD, the usual remedy, is wrong twice: U+FFFD can be what the model wrote, and bytes
 * that can never become a character would block the stream. The platform's decoder knows the difference: it
 * keeps exactly the bytes that can still become a character, and puts one U+FFFD for each maximal invalid
 * part, as the WHATWG encoding standard and Rust's `from_utf8_lossy` do.
 */
export function createTextStream(pieceOf: (id: number) => TokenPiece): TextStream {
  // `ignoreBOM` keeps U+FEFF in the text: despite its name, the option makes the decoder not drop it.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push(id) {
      const piece = pieceOf(id);
      if (typeof piece === 'string') return decoder.decode() + piece;
      return decoder.decode(piece, { stream: true });
    },
    end() {
      return decoder.decode();
    },
  };
}
