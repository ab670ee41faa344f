import type { PrecisionClass } from '../precision.ts';
import type { GreedyVerdict, Reference, ReferenceCase, SubjectCase } from './judgement.ts';
import { median, rms, rmsError } from './statistics.ts';

/** A greedy token that the truth does not put first. */
export interface Regret {
  readonly case: string;
  readonly position: number;
  readonly got: number;
  readonly expected: number;
  /** log p(best) − log p(chosen) by the truth, in nats. */
  readonly regret: number;
  /** What the class's noise can bring about. */
  readonly allowed: number;
}

/** Most noise by which near-ties differ: √2 for a difference of two tokens, times four for many tokens. */
const DEVIATIONS = 4 * Math.SQRT2;
/**
 * The same where a router may flip: of the imitations of a class, each against the noise of the others, on
 * all rows of the fixtures, the largest regret was 13.4 times the noise with experts (bf16), 4.4 without.
 */
const ROUTER_DEVIATIONS = 14;
/** Likeliest ids of a row that its noise is measured on. */
const LIKELIEST = 20;
/** As in rows of scores: one draw can be right by chance. */
const LEAST = 0.25;

/**
 * Greedy tokens up to the first in each case that is not the reference's: from there on the contexts differ.
 *
 * @param precision whose noise decides what is a near-tie.
 */
export function judgeGreedy(
  subject: readonly SubjectCase[],
  reference: Reference,
  precision: PrecisionClass,
): GreedyVerdict & { readonly regrets: readonly Regret[] } {
  const known = new Map(reference.cases.map((one) => [one.id, one]));
  // Computed when it is needed: not for an engine that chooses as the reference does.
  let noise: ReturnType<typeof noiseOf> | undefined;
  const regrets: Regret[] = [];
  let tokens = 0;
  const deviations = reference.hasRouter ? ROUTER_DEVIATIONS : DEVIATIONS;
  for (const { id, greedy } of subject) {
    const right = known.get(id);
    if (!right || !greedy) continue;
    const expected = right.ids.slice(right.promptLength);
    const flip = expected.findIndex((token, i) => token !== greedy[i]);
    tokens += flip < 0 ? expected.length : flip + 1;
    if (flip < 0) continue;
    noise ??= noiseOf(reference, precision);
    regrets.push(regretOf(right, flip, greedy[flip], deviations * noise(id, right.promptLength - 1 + flip)));
  }
  const worst = regrets.toSorted((a, b) => b.regret - b.allowed - (a.regret - a.allowed))[0];
  const wrong = regrets.filter(({ regret, allowed }) => regret > allowed);
  return {
    verdict: tokens === 0 ? 'not checked' : wrong.length > 0 ? 'wrong' : 'right',
    tokens,
    ties: regrets.length - wrong.length,
    ...(worst ? { worst } : {}),
    regrets,
  };
}

function regretOf(right: ReferenceCase, step: number, got: number | undefined, allowed: number): Regret {
  const position = right.promptLength - 1 + step;
  const row = right.rows.find((one) => one.position === position);
  const place = row && got !== undefined ? row.ids.indexOf(got) : -1;
  // A token that is not kept is less likely than all that are; none at all is an answer that stopped early.
  const chosen = !row || got === undefined ? Number.NEGATIVE_INFINITY : row.truth.at(place)!;
  const best = row?.truth[0] ?? 0;
  const regret = best - chosen;
  const expected = right.ids[right.promptLength + step];
  return { case: right.id, position, got: got ?? -1, expected, regret, allowed };
}

/** The class's noise at a position: RMS over its imitations and the likeliest ids. */
function noiseOf({ cases, imitations }: Reference, precision: PrecisionClass) {
  const own = imitations.filter((one) => one.precision === precision);
  const levels = new Map(
    cases.map(({ id, rows }) => [
      id,
      new Map(
        rows.map(({ position, truth }, r) => {
          const errors = own.map((one) => rmsError(one.cases.get(id)![r], truth, LIKELIEST));
          return [position, rms(errors)];
        }),
      ),
    ]),
  );
  const least = LEAST * median([...levels.values()].flatMap((of) => [...of.values()]));
  return (id: string, position: number) => Math.max(least, levels.get(id)?.get(position) ?? 0);
}
