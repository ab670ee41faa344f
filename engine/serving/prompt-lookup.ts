/** Lengths of the n-grams that are looked up. A single token occurs too often to tell what follows. */
const NGRAM = { min: 2, max: 3 };

/** Draft tokens that may be rejected before the first is accepted: enough for three wrong drafts. */
const FIRST_CREDIT = 6;

/**
 * What each token adds: one row in sixteen may be computed in vain. A row more takes a fifth to a third of a
 * step of one row.
 */
const CREDIT_PER_TOKEN = 1 / 16;

/** Draft tokens, and those of them that were what the request chose. */
export interface DraftCounts {
  drafted: number;
  accepted: number;
}

/**
 * Drafts the next tokens of one sequence (prompt-lookup decoding, HuggingFace's
 * `prompt_lookup_num_tokens`): its last tokens are looked up in what came before, and what followed them
 * there is the draft.
 *
 * It gives up by itself: accepted tokens earn credit, rejected ones cost it, and a draft is at most half of
 * the credit. So there are never more rejected tokens than accepted ones, plus 6, plus one for every 16
 * tokens.
 */
export class PromptLookup {
  readonly counts: DraftCounts = { drafted: 0, accepted: 0 };
  readonly #most: number;
  #credit = FIRST_CREDIT;
  #numTokens: number;

  /**
   * @param most tokens of a draft.
   * @param numPromptTokens earn no credit.
   */
  constructor(most: number, numPromptTokens: number) {
    this.#most = most;
    this.#numTokens = numPromptTokens;
  }

  /**
   * @param tokens of the sequence, generated ones included.
   * @param most tokens that there is room for.
   * @returns what may come next; empty if the last tokens are new, or too many drafts were wrong.
   */
  propose(tokens: readonly number[], most: number): number[] {
    this.#earn(CREDIT_PER_TOKEN * (tokens.length - this.#numTokens));
    this.#numTokens = tokens.length;
    const length = Math.min(this.#most, Math.floor(this.#credit / 2), most);
    const begin = length > 0 ? endOfLastMatch(tokens) : undefined;
    if (begin === undefined) return [];
    const draft: number[] = [];
    // A match that overlaps the end is a text with a period, which the draft continues.
    for (let i = begin; i < begin + length; i++) draft.push(tokens[i] ?? draft[i - tokens.length]);
    return draft;
  }

  /** Records what became of a draft token that was computed. */
  record(isAccepted: boolean): void {
    this.counts.drafted++;
    if (isAccepted) this.counts.accepted++;
    this.#earn(isAccepted ? 1 : -1);
  }

  /** Credit is limited, so that a text that has been copied for long is given up as soon as others. */
  #earn(credit: number): void {
    this.#credit = Math.min(this.#credit + credit, 2 * this.#most);
  }
}

/**
 * @returns the position after the last earlier occurrence of the longest n-gram that ends the tokens;
 * undefined if the shortest has not occurred before.
 */
function endOfLastMatch(tokens: readonly number[]): number | undefined {
  let longest = NGRAM.min - 1;
  let found: number | undefined;
  for (let end = tokens.length - 1; end >= NGRAM.min && longest < NGRAM.max; end--) {
    let length = 0;
    while (length < NGRAM.max && length < end && tokens[end - 1 - length] === tokens.at(-1 - length))
      length++;
    if (length <= longest) continue;
    longest = length;
    found = end;
  }
  return found;
}
