import { ENGINE, type Figure } from '../figure.ts';
import type { BenchReport } from '../run.ts';
import { bestOf, formatNumber, formatPercent, formatTimes } from './format.ts';

const GIGA = 1e9;

/** A run as text for a terminal: subjects of each task, medians with quartiles, and their limits. */
export function formatTable(report: BenchReport): string {
  const lines = heading(report);
  for (const [suite, figures] of Map.groupBy(report.figures, (figure) => figure.suite)) {
    lines.push('', suite);
    for (const [title, group] of Map.groupBy(figures, ({ task, unit }) => `${task} (${unit}`)) {
      lines.push('', `  ${title}, ${group[0].better} is better)`);
      lines.push(...table(group).map((line) => `    ${line}`));
    }
  }
  if (report.skipped.length > 0) lines.push('', 'left out');
  for (const { suite, subject, reason } of report.skipped) lines.push(`  ${suite}, ${subject}: ${reason}`);
  return `${lines.join('\n')}\n`;
}

function heading({ machine, model, threads, limits, profile, seconds, versions }: BenchReport): string[] {
  const { cpu, cores, memoryBytes, system, node, loadBefore } = machine;
  return [
    `${model.name}, ${formatNumber(model.parameters / 1e6)} million parameters, ${profile.name} run of ${seconds.toFixed(0)} s`,
    `${cpu}, ${cores} cores, ${(memoryBytes / GIGA).toFixed(0)} GB, ${system}, Node ${node}, load before ${loadBefore.toFixed(2)}`,
    `limits of ${threads} threads: reads ${formatNumber(limits.bytesPerSecond / GIGA)} GB/s, computes ${formatNumber(limits.flopsPerSecond / GIGA)} GFLOP/s (fused, ${limits.vectorBits} bits)`,
    ...Object.entries(versions).map(([id, version]) => `${id} ${version}`),
  ];
}

function table(figures: readonly Figure[]): string[] {
  const ours = new Map(
    figures.filter(({ subject }) => subject === ENGINE).map((figure) => [figure.variant, figure]),
  );
  const rows = figures.map((figure) => [
    figure.variant ?? '',
    figure.subject,
    formatNumber(figure.summary.median),
    `[${formatNumber(figure.summary.lowerQuartile)} … ${formatNumber(figure.summary.upperQuartile)}]`,
    `best ${formatNumber(bestOf(figure))}`,
    figure.partOfLimit === undefined ? '' : `${formatPercent(figure.partOfLimit)} of the limit`,
    comparison(figure, ours.get(figure.variant)),
  ]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

function comparison({ subject }: Figure, ours: Figure | undefined): string {
  return ours && subject !== ENGINE ? `${ENGINE} is ${formatTimes(ours.timesBetterThan[subject])}` : '';
}
