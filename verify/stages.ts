import { tolerance } from '../golden/tolerance.ts';

/** One stage of the forward pass, as three witnesses computed it: [positions, width]. */
export interface Stage {
  name: string;
  engine: ArrayLike<number>;
  reference: ArrayLike<number>;
  truth: ArrayLike<number>;
}

/** One line of the table. */
export interface StageRow {
  name: string;
  /** Largest differences, as fractions of the stage's largest magnitude. */
  engineToReference: number;
  engineToTruth: number;
  referenceToTruth: number;
  /** The first position where engine and reference differ by more than the reference's noise allows. */
  partsAt: number | undefined;
}

/** @param positions in each stage. */
export function compareStage({ name, engine, reference, truth }: Stage, positions: number): StageRow {
  const width = truth.length / positions;
  let scale = 0;
  for (let i = 0; i < truth.length; i++) scale = Math.max(scale, Math.abs(truth[i]));
  const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let largest = a.length === b.length ? 0 : Number.NaN;
    for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
    return largest / (scale || 1);
  };
  const referenceToTruth = distance(reference, truth);
  const bound = tolerance(scale, referenceToTruth);
  const first = Array.from(reference).findIndex((value, i) => !(Math.abs(engine[i] - value) <= bound));
  return {
    name,
    engineToReference: distance(engine, reference),
    engineToTruth: distance(engine, truth),
    referenceToTruth,
    partsAt: first < 0 ? undefined : Math.floor(first / width),
  };
}

/** The table for a terminal, and a verdict in words. */
export function formatStages(rows: readonly StageRow[]): string {
  const digits = (value: number) => value.toExponential(1).padStart(9);
  const lines = [`${'stage'.padEnd(24)} engine–ref engine–f64    ref–f64  parts at position`];
  for (const row of rows) {
    const parts = row.partsAt === undefined ? '' : `  ${row.partsAt}`;
    lines.push(
      `${row.name.padEnd(24)}  ${digits(row.engineToReference)}  ${digits(row.engineToTruth)}  ${digits(row.referenceToTruth)}${parts}`,
    );
  }
  const first = rows.find(({ partsAt }) => partsAt !== undefined);
  lines.push('');
  if (!first) lines.push('Engine and reference agree at every stage.');
  else {
    const alone = first.engineToTruth > first.referenceToTruth ? 'engine' : 'reference';
    lines.push(
      `They part at ${first.name}, position ${first.partsAt}; the ${alone} is farther from the float64 twin.`,
    );
  }
  return `${lines.join('\n')}\n`;
}
