import type { TokenScores } from '../../subject.ts';
import type { ScoredRow } from './dialect.ts';
import type { TextOfTokens } from './interned-text.ts';
import { excerpt, refuse } from './nonsense.ts';

/** Servers write -9999 or the least f32 in place of minus infinity. */
const FLOOR = -9000;
/** A log-probability of a certain token may come out above 0 by rounding. */
const ROUNDING = 1e-3;
/** Sums of bf16 probabilities are off by as much. */
const SUM_ROUNDING = 1e-2;
/** Tokens before the first unknown one: only the distance of one score from another can be compared. */
const LEAST = 2;

/** How rows are read. */
export interface RowOptions {
  /** Messages begin with it. */
  readonly asked: string;
  /** Tokens asked for; servers add the chosen or the prompt's own token, which is left out. */
  readonly top: number;
  /** Undefined if it is not known. */
  readonly vocabSize?: number;
  /** Undefined if the model's directory has no tokenizer. */
  readonly text?: Pick<TextOfTokens, 'idOf'>;
}

/** A row, and how many of the server's entries are not in it. */
export interface ReadRow {
  /** Undefined if the first or the second entry has no known id: one score alone says nothing. */
  readonly scores?: TokenScores;
  readonly dropped: number;
}

/**
 * Checks a row and reduces it to tokens with known ids, the likeliest first.
 *
 * A token that is not in the row must be less likely than all that are. So the row ends before the first
 * entry whose id is unknown.
 *
 * @throws SubjectError if the row is empty or too long, a value is positive or not a number, probabilities
 * sum to more than 1, or a token is outside the vocabulary or there twice.
 */
export function readRow(row: ScoredRow, { asked, top, vocabSize, text }: RowOptions): ReadRow {
  if (row.length === 0) refuse(asked, 'an empty row of log-probabilities', `up to ${top} tokens`);
  // One beside them: the token that was chosen, or that the prompt goes on with.
  if (row.length > top + 1) refuse(asked, `a row of ${row.length} tokens`, `at most ${top + 1}`);
  for (const entry of row) checkLogprob(asked, entry.logprob, entry);
  const sum = row.reduce((total, { logprob }) => total + Math.exp(logprob), 0);
  if (sum > 1 + SUM_ROUNDING) {
    refuse(asked, `log-probabilities whose probabilities sum to ${sum.toFixed(4)}`, 'a sum of 1 at most');
  }
  const ranked = row
    .filter(({ logprob }) => logprob > FLOOR)
    .toSorted((a, b) => b.logprob - a.logprob)
    .slice(0, top)
    .map(({ id, text: token, logprob }) => ({
      id: id ?? (token === undefined ? undefined : text?.idOf(token)),
      logprob,
    }));
  const unknown = ranked.findIndex(({ id }) => id === undefined);
  const known = unknown < 0 ? ranked : ranked.slice(0, unknown);
  const ids = known.map(({ id }) => id!);
  const seen = new Set<number>();
  for (const id of ids) {
    if (vocabSize !== undefined && id >= vocabSize)
      refuse(asked, `token ${id}`, `ids from 0 to ${vocabSize - 1}`);
    if (seen.has(id)) refuse(asked, `token ${id} twice in a row`, 'each token once');
    seen.add(id);
  }
  const dropped = Math.min(row.length, top) - known.length;
  const least = unknown < 0 ? 1 : LEAST;
  if (known.length < least) return { dropped: Math.min(row.length, top) };
  return {
    scores: { ids: Int32Array.from(ids), values: Float32Array.from(known, ({ logprob }) => logprob) },
    dropped,
  };
}

function checkLogprob(asked: string, logprob: number, entry: unknown): void {
  if (!Number.isFinite(logprob) || logprob > ROUNDING) {
    refuse(asked, `the log-probability ${logprob} in ${excerpt(entry)}`, 'a number of 0 or less');
  }
}
