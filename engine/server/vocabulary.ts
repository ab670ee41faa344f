import type { Tokenizer } from '../text/tokenizer.ts';
import type { ServedVocabulary } from './context.ts';
import type { VocabularyData } from './text-messages.ts';

/** The tokens of a tokenizer, as data that can be sent to another thread. */
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

/** @param data undefined if the model has no tokenizer: tokens are then called by their ids, as in vLLM. */
export function createVocabulary(data: VocabularyData | undefined): ServedVocabulary {
  if (!data) {
    return { textOf: (id) => `token_id:${id}`, bytesOf: () => new Uint8Array(), isSpecial: () => false };
  }
  const { bytes, ends, specialIds } = data;
  // `ignoreBOM` keeps U+FEFF, which is text of the model.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  // Models pad their vocabulary; an id without a token has no bytes.
  const bytesOf = (id: number) =>
    id < ends.length ? bytes.subarray(id === 0 ? 0 : ends[id - 1], ends[id]) : new Uint8Array();
  return {
    bytesOf,
    textOf: (id) => decoder.decode(bytesOf(id)),
    isSpecial: (id) => specialIds.has(id),
  };
}
