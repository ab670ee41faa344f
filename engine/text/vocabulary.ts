import { createTextStream, NO_BYTES } from './stream.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The tokens of a tokenizer, as data that can be sent to another thread. */
export interface VocabularyData {
  /** The bytes of all tokens, one after the other. */
  readonly bytes: Uint8Array;
  /** [vocabSize] where each token ends; it begins where the one before it ends. */
  readonly ends: Uint32Array;
  /** Ids of the tokens marked special. */
  readonly specialIds: ReadonlySet<number>;
}

export function vocabularyOf(
  tokenizer: Pick<Tokenizer, 'vocabSize' | 'bytesOf' | 'isSpecial'>,
): VocabularyData {
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
  const tokens = ids.map((id) => tokenizer.bytesOf(id));
  const ends = new Uint32Array(tokens.length);
  let end = 0;
  for (const [id, { length }] of tokens.entries()) {
    end += length;
    ends[id] = end;
  }
  const bytes = new Uint8Array(end);
  for (const [id, token] of tokens.entries()) bytes.set(token, ends[id] - token.length);
  return { bytes, ends, specialIds: new Set(ids.filter((id) => tokenizer.isSpecial(id))) };
}

/**
 * Streams of text as those of the tokenizer that the data is of, which itself takes a second to be read. An
 * added token needs no text of its own here: its bytes are whole characters, which end an unfinished one.
 */
export function createStreams(data: VocabularyData): Pick<Tokenizer, 'createStream'> {
  return {
    createStream: ({ skipSpecialTokens = false } = {}) =>
      createTextStream((id) => (skipSpecialTokens && data.specialIds.has(id) ? NO_BYTES : bytesOf(id, data))),
  };
}

/** The bytes of a token; none for an id without one: models pad their vocabulary. */
export function bytesOf(id: number, { bytes, ends }: VocabularyData): Uint8Array {
  return id < ends.length ? bytes.subarray(id === 0 ? 0 : ends[id - 1], ends[id]) : NO_BYTES;
}
