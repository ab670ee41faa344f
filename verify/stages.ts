/** What computes the stages of a forward pass. */
export type Witness = 'subject' | 'engine' | 'golden' | 'oracle';

/** One stage of a forward pass at some positions, from each witness that has it. */
export interface Stage {
  readonly name: string;
  readonly positions: readonly number[];
  /** For each position a row of values; the rows of one position are of one length. */
  readonly rows: Readonly<Partial<Record<Witness, readonly ArrayLike<number>[]>>>;
  /** For each position, how far an honest value may be from the expected one. */
  readonly bounds: readonly number[];
}

/** One line of the table. */
export interface StageLine {
  readonly name: string;
  /**
   * For each pair of witnesses that have the stage, their largest difference, as a fraction of its largest
   * value.
   */
  readonly distances: ReadonlyMap<string, number>;
  /** The first position at which the tested witness differs from the expected values. */
  readonly differsAt?: number;
  /** Whether the tested witness has the stage, and there is something to compare it with. */
  readonly isCompared: boolean;
}

/** The pairs of witnesses that the table shows, by who is tested. */
const PAIRS: Readonly<Record<'subject' | 'engine', readonly (readonly [Witness, Witness])[]>> = {
  subject: [
    ['subject', 'golden'],
    ['subject', 'oracle'],
    ['golden', 'oracle'],
    ['engine', 'oracle'],
  ],
  engine: [
    ['engine', 'golden'],
    ['engine', 'oracle'],
    ['golden', 'oracle'],
  ],
};

/** @param tested is held to the golden, and where the golden lacks the stage, to the oracle. */
export function compareStage(stage: Stage, tested: 'subject' | 'engine'): StageLine {
  const { name, rows, positions, bounds } = stage;
  const distances = new Map<string, number>();
  for (const [a, b] of PAIRS[tested]) {
    const distance = distanceOf(rows[a], rows[b], scaleOf(stage));
    if (distance !== undefined) distances.set(`${a}–${b}`, distance);
  }
  const [mine, expected] = [rows[tested], rows.golden ?? rows.oracle];
  if (!mine || !expected) return { name, distances, isCompared: false };
  const first = positions.findIndex((_, i) => !(largestDifference(mine[i], expected[i]) <= bounds[i]));
  return { name, distances, isCompared: true, ...(first < 0 ? {} : { differsAt: positions[first] }) };
}

/** The table for a terminal, and a conclusion in words. */
export function formatStages(lines: readonly StageLine[], tested: 'subject' | 'engine'): string {
  const pairs = PAIRS[tested].map(([a, b]) => `${a}–${b}`);
  const cell = (value?: number) => (value === undefined ? '–' : value.toExponential(1)).padStart(15);
  const header = `${'stage'.padEnd(24)}${pairs.map((pair) => pair.padStart(15)).join('')}  differs at position`;
  const table = lines.map(({ name, distances, differsAt }) => {
    const cells = pairs.map((pair) => cell(distances.get(pair))).join('');
    return `${name.padEnd(24)}${cells}${differsAt === undefined ? '' : `  ${differsAt}`}`;
  });
  return `${[header, ...table, '', ...conclusion(lines, tested)].join('\n')}\n`;
}

function conclusion(lines: readonly StageLine[], tested: 'subject' | 'engine'): string[] {
  const compared = lines.filter(({ isCompared }) => isCompared);
  const missing = lines.length - compared.length;
  const among = missing === 0 ? '' : ` that it has (${compared.length} of ${lines.length})`;
  const index = compared.findIndex(({ differsAt }) => differsAt !== undefined);
  if (compared.length === 0) return [`The ${tested} has no stage that could be compared.`];
  if (index < 0) return [`The ${tested} agrees with the golden at every stage${among}.`];
  const { name, differsAt, distances } = compared[index];
  const after = index === 0 ? '' : `; up to ${compared[index - 1].name} it agrees`;
  const [mine, golden] = [distances.get(`${tested}–oracle`), distances.get('golden–oracle')];
  const first = `The ${tested} differs first at ${name}, position ${differsAt}${after}.`;
  if (mine === undefined || golden === undefined || mine === golden) return [first];
  // NaN is farther than any number.
  return [first, `There the ${mine < golden ? 'golden' : tested} is farther from the float64 oracle.`];
}

function scaleOf({ rows }: Stage): number {
  const all = rows.oracle ?? rows.golden ?? rows.engine ?? [];
  return Math.max(
    ...all.map((row) => largestDifference(row, new Float64Array(row.length))),
    Number.MIN_VALUE,
  );
}

function distanceOf(
  a: readonly ArrayLike<number>[] | undefined,
  b: readonly ArrayLike<number>[] | undefined,
  scale: number,
): number | undefined {
  return a && b && Math.max(...a.map((row, i) => largestDifference(row, b[i]))) / scale;
}

/** NaN if a value is NaN, or the lengths differ. */
function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.NaN;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
