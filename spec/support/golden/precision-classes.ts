import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { GOLDEN_FOLDER } from '../../../golden/goldens.ts';
import { align, restrict } from '../../../verify/judge/align.ts';
import { classNoise } from '../../../verify/judge/class-noise.ts';
import { judgePrecision } from '../../../verify/judge/precision-verdict.ts';
import { median } from '../../../verify/judge/statistics.ts';
import { goldenCases } from '../../../verify/reference/golden-cases.ts';
import { IMITATIONS } from '../../../verify/reference/imitations.ts';
import { computeReference } from '../../../verify/reference/reference.ts';

/** Log-probabilities that servers show of a row. */
const SHOWN = 20;
/** Ids of a case, at most: longer ones take long and have the same noise. */
const MOST_IDS = 40;

/** Which precision classes the rows of a fixture can judge. */
export interface JudgeableClasses {
  /** Probability of the 20 likeliest tokens together, in the median row. */
  readonly coverage: number;
  /** By class: noise of the median row, RMS over the 20 likeliest in nats; whether it is small enough. */
  readonly classes: Readonly<Record<string, { readonly noise: number; readonly judgeable: boolean }>>;
}

export const CLASSES_FILE = join(GOLDEN_FOLDER, 'classes.json');

/** What is recorded of each fixture. */
export function readJudgeableClasses(): Record<string, JudgeableClasses> {
  return JSON.parse(readFileSync(CLASSES_FILE, 'utf8'));
}

/** Measures a fixture on its shorter golden cases by the judge's imitations. */
export async function measureClasses(fixture: string): Promise<JudgeableClasses> {
  const cases = goldenCases(fixture).filter(({ ids }) => ids.length <= MOST_IDS);
  const imitations = IMITATIONS.filter(({ isDraw }) => !isDraw);
  const reference = await computeReference(await ensureFixture(fixture), cases, { imitations });
  const truths = reference.cases.flatMap(({ rows }) => rows.map(({ truth }) => truth.subarray(0, SHOWN)));
  const coverage = median(truths.map((truth) => truth.reduce((sum, logProb) => sum + Math.exp(logProb), 0)));
  const exact = reference.cases.map(({ id, rows }) => ({
    id,
    rows: rows.map(({ position, ids, truth }) => ({ position, ids, values: truth })),
  }));
  const rows = restrict(align(exact, reference).rows, SHOWN);
  const { classes } = judgePrecision(rows, classNoise(rows, reference));
  return {
    coverage: twoDigits(coverage),
    classes: Object.fromEntries(
      classes.map(({ class: name, noise, judgeable }) => [name, { noise: twoDigits(noise), judgeable }]),
    ),
  };
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
