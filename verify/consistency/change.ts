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

/** The largest change of a value that both rows show. */
function rowChange(a: TokenScores, b: TokenScores): number {
  const other = new Map(Array.from(b.values, (value, i) => [b.ids ? b.ids[i] : i, value]));
  let largest = 0;
  for (const [i, value] of a.values.entries()) {
    const same = other.get(a.ids ? a.ids[i] : i);
    if (same !== undefined) largest = Math.max(largest, Math.abs(value - same));
  }
  return largest;
}
