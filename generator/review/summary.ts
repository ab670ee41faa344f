import type { CaseChange } from './changes.ts';

/** What a recording changed of one model's goldens. */
export interface ModelSummary {
  model: string;
  /** Differences of the manifest, one line each. */
  manifest: string[];
  cases: CaseChange[];
}

/** Whether there is anything to review. */
export function hasChanges(summary: ModelSummary): boolean {
  return summary.manifest.length > 0 || summary.cases.some(({ kind }) => kind !== 'unchanged');
}

/** The summary that a person reviews: a line for each model, followed by its changes. */
export function formatSummaries(summaries: readonly ModelSummary[], isPending: boolean): string {
  const lines: string[] = [];
  for (const summary of summaries) {
    const changed = summary.cases.filter(({ kind }) => kind !== 'unchanged');
    const unchanged = summary.cases.length - changed.length;
    const largest = Math.max(
      0,
      ...summary.cases.filter(({ kind }) => kind === 'unchanged').map((c) => c.largest),
    );
    const noise = unchanged ? ` (largest difference ${largest.toExponential(1)})` : '';
    lines.push(`${summary.model}: ${unchanged} unchanged${noise}, ${changed.length} changed, new or removed`);
    for (const reason of summary.manifest) lines.push(`  manifest: ${reason}`);
    for (const change of changed) lines.push(...formatCase(change));
  }
  if (isPending)
    lines.push('', 'Changed goldens are pending. To accept them: npm run goldens:regen -- --accept');
  else if (summaries.some(hasChanges))
    lines.push('', 'The goldens differ from what the reference computes now.');
  else lines.push('', nothingToReview(summaries));
  return `${lines.join('\n')}\n`;
}

function nothingToReview(summaries: readonly ModelSummary[]): string {
  const cases = summaries.reduce((sum, summary) => sum + summary.cases.length, 0);
  return (
    `Recorded ${cases} ${cases === 1 ? 'case' : 'cases'} of ${summaries.map(({ model }) => model).join(', ')}: the stored goldens are what the reference computes. ` +
    'Nothing is pending, and there is nothing to accept.'
  );
}

function formatCase({ id, kind, reasons, flipped, largest, rms }: CaseChange): string[] {
  const lines = [`  ${kind.padEnd(8)} ${id}: ${reasons.join('; ')}`];
  if (largest !== 0)
    lines.push(
      `           logits: largest difference ${largest.toExponential(2)}, RMS ${rms.toExponential(2)}`,
    );
  for (const { step, was, now, margin } of flipped) {
    lines.push(
      `           greedy token ${step}: was ${was}, is ${now}; margin was ${margin.toExponential(2)}`,
    );
  }
  return lines;
}
