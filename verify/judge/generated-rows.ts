import type { PrecisionClass } from '../precision.ts';
import { type AlignedRow, type AlignmentProblem, align } from './align.ts';
import { classNoise } from './class-noise.ts';
import type { Reference, SubjectCase } from './judgement.ts';
import { ratiosOf, worstRatio } from './precision-verdict.ts';
import { median } from './statistics.ts';

/** Fewer rows of a kind say nothing: a router's flip puts single ones far off. */
export const LEAST_ROWS = 4;

/** What the rows that greedy tokens were chosen from say. */
export interface GeneratedVerdict {
  readonly rows: readonly AlignedRow[];
  readonly problems: readonly AlignmentProblem[];
  /** Median over rows of the error in units of the class's noise; absent without rows. */
  readonly ratio?: number;
  /** What is wrong, in words; empty if nothing is. */
  readonly reasons: readonly string[];
}

/**
 * Judges the rows that greedy tokens were chosen from like those of a prompt: up to the first token that is
 * not the reference's, they follow the same ids. The first row of each case comes of the prompt, the others
 * of decoding, often by other kernels: the median of each kind has to be within the class's noise.
 *
 * @param precision the class whose noise is allowed.
 */
export function judgeGenerated(
  subject: readonly SubjectCase[],
  reference: Reference,
  precision: PrecisionClass,
): GeneratedVerdict {
  const { rows, problems } = align(generatedCases(subject, reference), reference);
  const noise = rows.length > 0 ? classNoise(rows, reference).noise.get(precision) : undefined;
  if (!noise) return { rows, problems, reasons: [] };
  const ratios = ratiosOf(rows, noise);
  const begins = new Map(reference.cases.map(({ id, promptLength }) => [id, promptLength - 1]));
  const kinds = Map.groupBy(ratios.keys(), (r) =>
    rows[r].position === begins.get(rows[r].case) ? 'first tokens' : 'decoded tokens',
  );
  const reasons = [...kinds].flatMap(([kind, indices]) => {
    const ratio = median(indices.map((r) => ratios[r]));
    if (indices.length < LEAST_ROWS || ratio <= worstRatio(precision)) return [];
    return [`errors in the rows of ${kind} are ${ratio.toPrecision(2)} times the noise of ${precision}`];
  });
  return { rows, problems, ratio: median(ratios), reasons };
}

/** By case, the rows whose contexts are the reference's. */
export function generatedCases(subject: readonly SubjectCase[], { cases }: Reference): SubjectCase[] {
  const known = new Map(cases.map((one) => [one.id, one]));
  return subject.flatMap(({ id, greedy, greedyRows }): SubjectCase[] => {
    const right = known.get(id);
    if (!right || !greedy || !greedyRows) return [];
    const { ids, promptLength } = right;
    const flip = greedy.findIndex((token, i) => token !== ids[promptLength + i]);
    const rows = greedyRows
      .slice(0, flip < 0 ? ids.length - promptLength : flip + 1)
      .map((row, i) => ({ position: promptLength - 1 + i, ...row }));
    return [{ id, rows }];
  });
}
