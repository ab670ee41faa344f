/** A place where a subject is not what the golden says. */
export interface Difference {
  /** `hidden_states.2`, `logits`, `probability`, `missing token`, `RMS distance`, `greedy token`. */
  readonly what: string;
  /** A position of the prompt, or, beyond it, of the generated tokens. */
  readonly position: number;
  /** Which of the row's values; of a row of scores, the token. */
  readonly index: number;
  readonly got: number;
  readonly expected: number;
  readonly tolerance: number;
}

/** The name of a {@link Difference} of all logits together. */
export const RMS_DISTANCE = 'RMS distance';

/** The name of a {@link Difference} of a token that a row of the likeliest tokens lacks. */
export const MISSING_TOKEN = 'missing token';

/** A stage lists at most this many differences: the first show where to look. */
export const MAX_LISTED = 5;
