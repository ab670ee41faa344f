/** A row of logits, and what a model made of it. */
export interface ChosenRow {
  /** The id that the row follows on. */
  lastId: number;
  /** The id of its largest logit. */
  argmax: number;
  /** The whole row, or a sample of it that was not chosen by its values. */
  logits: ArrayLike<number>;
  /** For a greedy step: whether the margin of its two best ids is within the noise. */
  isTie?: boolean;
}

/** What a fixture has shown of itself. */
export interface FixtureEvidence {
  vocabSize: number;
  prompts: readonly (readonly number[])[];
  rows: readonly ChosenRow[];
  /** The gains of every norm, by the name of the weight. */
  gains: ReadonlyMap<string, ArrayLike<number>>;
}

/**
 * Shares above which a fixture says too little. The worst of ours: 24 % echoes, 16 % the same choice, 6 % odd
 * rows.
 */
const MOST_ECHOES = 1 / 3;
const MOST_ALIKE = 1 / 3;
const MOST_ODD_ROWS = 0.1;
const MOST_TIES = 0.1;

/** Standard deviation of a row of logits: below, every token is as likely as the next; above, only one is. */
const LEAST_SPREAD = 1;
const MOST_SPREAD = 10;

/**
 * Standard deviation of a norm's gains as a fraction of their mean: below, a gain that is left out hardly
 * shows.
 */
const LEAST_GAIN_SPREAD = 0.05;

/**
 * Finds out whether a fixture can fail: on which model a broken engine would compute about the same as a
 * right one.
 *
 * @returns one line for each reason not to trust it; none for a good fixture.
 */
export function degeneracies({ vocabSize, prompts, rows, gains }: FixtureEvidence): string[] {
  const reasons: string[] = [];
  const refuseShare = (share: number, most: number, what: string) => {
    // NaN, the share of nothing, is too much.
    if (!(share <= most))
      reasons.push(`${(100 * share).toFixed(0)} % of ${what}, at most ${(100 * most).toFixed(0)} % may`);
  };
  const shareOf = (some: readonly ChosenRow[], is: (row: ChosenRow) => boolean) =>
    some.filter(is).length / some.length;
  refuseShare(
    shareOf(rows, ({ lastId, argmax }) => lastId === argmax),
    MOST_ECHOES,
    'rows choose the id they follow on',
  );
  const favourite = mostFrequent(rows.map(({ argmax }) => argmax));
  refuseShare(
    shareOf(rows, ({ argmax }) => argmax === favourite),
    MOST_ALIKE,
    `rows choose id ${favourite}`,
  );
  refuseShare(
    shareOf(rows, ({ logits }) => !isSpread(logits)),
    MOST_ODD_ROWS,
    `rows have a standard deviation outside ${LEAST_SPREAD} to ${MOST_SPREAD}`,
  );
  refuseShare(
    shareOf(
      rows.filter(({ isTie }) => isTie !== undefined),
      ({ isTie }) => isTie === true,
    ),
    MOST_TIES,
    'greedy steps have a margin below the noise',
  );
  for (const [name, values] of gains) {
    const { mean, deviation } = moments(values);
    if (!(deviation >= LEAST_GAIN_SPREAD * Math.abs(mean)))
      reasons.push(`the gains of ${name} are all alike`);
  }
  if (gains.size === 0) reasons.push('no norm has gains');
  const ids = new Set(prompts.flat());
  for (const edge of [0, vocabSize - 1]) {
    if (!ids.has(edge)) reasons.push(`no prompt has id ${edge}, at the edge of the vocabulary`);
  }
  if (!prompts.some((prompt) => new Set(prompt).size > 1)) reasons.push('no prompt has two different ids');
  return reasons;
}

function isSpread(logits: ArrayLike<number>): boolean {
  const { deviation } = moments(logits);
  return deviation >= LEAST_SPREAD && deviation <= MOST_SPREAD;
}

/** Mean and standard deviation. */
function moments(values: ArrayLike<number>): { mean: number; deviation: number } {
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const squares = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / all.length) };
}

function mostFrequent(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
