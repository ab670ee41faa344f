import { NO_BYTES } from '../text/stream.ts';
import { bytesOf, type VocabularyData } from '../text/vocabulary.ts';
import type { ServedVocabulary } from './context.ts';

/** @param data undefined if the model has no tokenizer: tokens are then called by their ids, as in vLLM. */
export function createVocabulary(data: VocabularyData | undefined): ServedVocabulary {
  if (!data) {
    return { textOf: (id) => `token_id:${id}`, bytesOf: () => NO_BYTES, isSpecial: () => false };
  }
  // `ignoreBOM` keeps U+FEFF, which is text of the model.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    bytesOf: (id) => bytesOf(id, data),
    textOf: (id) => decoder.decode(bytesOf(id, data)),
    isSpecial: (id) => data.specialIds.has(id),
  };
}
