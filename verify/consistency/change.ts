import type { TokenScores } from '../subject.ts';

/** How far two answers to the same question are apart. */
export interface Change {
  /** Whether every value is the same 32-bit pattern, and belongs to the same token. */
  readonly equalBits: boolean;
  /** The largest change of a log-probability that both answers show, in nats. */
  readonly largest: number;
  /** The position of the first row that changed; undefined if none did. */
  readonly position?: number;
}

/**
 * Compares rows of two answers.
 *
 * @param positions of the rows.
 */
export function changeOf(
  a: readonly TokenScores[],
  b: readonly TokenScores[],
  positions: readonly number[],
): Change {
  let largest = 0;
  let position: number | undefined;
  for (const [i, row] of a.entries()) {
    if (sameBits(row, b[i])) continue;
    position ??= positions[i];
    largest = Math.max(largest, rowChange(row, b[i]));
  }
  return position === undefined ? { equalBits: true, largest } : { equalBits: false, largest, position };
}

/** A greedy continuation, with the rows that its tokens were chosen from if they are known. */
export interface Continuation {
  readonly tokens: readonly number[];
  readonly scores?: readonly TokenScores[];
}

/**
 * Compares two greedy continuations of a prompt: their rows up to the first token that differs, and the
 * tokens.
 *
 * @param begin the position of the first token.
 */
export function continuationChange(a: Continuation, b: Continuation, begin: number): Change {
  const tokens = tokenChange(a.tokens, b.tokens, begin, a.scores);
  const same = tokens.position === undefined ? a.tokens.length : tokens.position - begin + 1;
  const [x, y] = [a.scores?.slice(0, same) ?? [], b.scores ?? []];
  if (x.length === 0 || y.length < x.length) return tokens;
  const rows = changeOf(
    x,
    y.slice(0, x.length),
    x.map((_, i) => begin - 1 + i),
  );
  if (rows.equalBits) return tokens;
  return { equalBits: false, largest: Math.max(tokens.largest, rows.largest), position: rows.position };
}

/**
 * Compares greedy tokens of two answers. They part at the first token that differs: what follows has other
 * prompts.
 *
 * @param begin the position of the first token.
 * @param scores of the rows that `a` was chosen from, if they are known: the change is then what the scores
 * of the two tokens differ by; without them it is infinite.
 */
export function tokenChange(
  a: readonly number[],
  b: readonly number[],
  begin: number,
  scores?: readonly TokenScores[],
): Change {
  const step = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => a[i] !== b[i]);
  if (step === undefined) return { equalBits: true, largest: 0 };
  const row = scores?.[step];
  const gap = row ? scoreOf(row, a[step]) - scoreOf(row, b[step]) : Number.NaN;
  return {
    equalBits: false,
    largest: Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.abs(gap),
    position: begin + step,
  };
}

/** NaN if the row does not show the token. */
function scoreOf({ ids, values }: TokenScores, token: number): number {
  return values[ids ? ids.indexOf(token) : token] ?? Number.NaN;
}

function sameBits(a: TokenScores, b: TokenScores): boolean {
  if (a.values.length !== b.values.length) return false;
  const [x, y] = [a, b].map(({ values }) => new Uint32Array(values.buffer, values.byteOffset, values.length));
  return (
    x.every((bits, i) => bits === y[i]) &&
    (a.ids === b.ids || a.ids?.every((id, i) => id === b.ids?.[i]) === true)
  );
}

/**
 * The largest change of a value. A token that one row leaves out has there at most the least value of that
 * row.
 */
function rowChange(a: TokenScores, b: TokenScores): number {
  return Math.max(changeFrom(a, b), changeFrom(b, a));
}

function changeFrom(a: TokenScores, b: TokenScores): number {
  const other = new Map(Array.from(b.values, (value, i) => [b.ids ? b.ids[i] : i, value]));
  const least = b.values.reduce((min, value) => Math.min(min, value), Number.POSITIVE_INFINITY);
  let largest = 0;
  for (const [i, value] of a.values.entries()) {
    const same = other.get(a.ids ? a.ids[i] : i);
    largest = Math.max(largest, same === undefined ? value - least : Math.abs(value - same));
  }
  return largest;
}
