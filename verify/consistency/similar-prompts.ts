import type { VerifyCase } from '../../golden/verify-case.ts';

/** A prompt that differs from a case's in one token. */
export interface SimilarPrompt {
  /** The case's id. */
  readonly id: string;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
}

/** Cases that similar prompts are made of, at most. */
const CASES = 4;
/** Caches have blocks of 16 tokens, or of powers of two around it: this is the last of one. */
const END_OF_BLOCK = 15;
/** Adjacent tokens, one of which ends a block of any other size up to this. */
const PLACES = 3;

/**
 * Prompts that a cache may take for a case's, each with another token in one place: in the longest prompts
 * around the end of the first block of 16, in short ones before their last token.
 */
export function similarPrompts(first: readonly { readonly case: VerifyCase }[]): SimilarPrompt[] {
  return first
    .map(({ case: { id, promptIds } }) => ({ id, promptIds }))
    .filter(({ promptIds }) => promptIds.length > PLACES + 1 && new Set(promptIds).size > 1)
    .toSorted((a, b) => b.promptIds.length - a.promptIds.length)
    .slice(0, CASES)
    .flatMap(({ id, promptIds }) => {
      const begin = Math.min(END_OF_BLOCK, promptIds.length - 1 - PLACES);
      return Array.from({ length: PLACES }, (_, i) => {
        const at = begin + i;
        const other = promptIds.find((token) => token !== promptIds[at])!;
        return { id, promptIds, ids: promptIds.with(at, other) };
      });
    });
}
