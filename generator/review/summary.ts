import { hasChanges, type ModelSummary } from '../recording/regenerate.ts';
import type { CaseChange } from './changes.ts';

/** What a person reviews after a recording: one line for each model, and what changed in each case. */
export function describe(summaries: readonly ModelSummary[], isPending: boolean): string {
  const lines: string[] = [];
  for (const summary of summaries) {
    const changed = summary.cases.filter(({ kind }) => kind !== 'unchanged');
    const unchanged = summary.cases.length - changed.length;
    const largest = Math.max(
      0,
      ...summary.cases.filter(({ kind }) => kind === 'unchanged').map((c) => c.largest),
    );
    const noise = unchanged ? ` (largest difference ${largest.toExponential(1)})` : '';
    lines.push(`${summary.model}: ${unchanged} unchanged${noise}, ${changed.length} changed, new or gone`);
    for (const reason of summary.manifest) lines.push(`  manifest: ${reason}`);
    for (const change of changed) lines.push(...describeCase(change));
  }
  if (isPending) lines.push('', 'What changed is pending. Take it with: npm run goldens:regen -- --accept');
  else if (summaries.some(hasChanges))
    lines.push('', 'The goldens differ from what the reference computes now.');
  return `${lines.join('\n')}\n`;
}

function describeCase({ id, kind, reasons, flipped, largest, rms }: CaseChange): string[] {
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
