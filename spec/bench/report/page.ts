import { ENGINE, type Figure, titleOf } from '../figure.ts';
import { PEERS } from '../peers/catalogue.ts';
import type { BenchReport } from '../run.ts';
import type { Chart } from './charts.ts';
import { bestOf, formatNumber, formatPercent, formatTimes } from './format.ts';

const STYLE = `
  :root { color-scheme: light; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; color: #1f2933; }
  body { margin: 0; background: #f4f6f8; }
  main { max-width: 1560px; margin: 0 auto; padding: 32px 28px 64px; }
  h1 { font-size: 28px; margin: 0; } h2 { font-size: 20px; margin: 40px 0 12px; } h2::first-letter { text-transform: uppercase; }
  h3 { font-size: 15px; margin: 0 0 10px; } h3::first-letter { text-transform: uppercase; }
  .lead { color: #52606d; margin: 4px 0 0; max-width: 90ch; }
  .grid { columns: 700px; column-gap: 16px; margin-top: 12px; }
  .card { background: #fff; border: 1px solid #e1e6ea; border-radius: 8px; padding: 16px 18px; overflow-x: auto; break-inside: avoid; margin-bottom: 16px; }
  .card svg { display: block; max-width: 100%; height: auto; }
  table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
  th, td { padding: 4px 12px 4px 0; text-align: left; vertical-align: top; border-bottom: 1px solid #eef1f3; }
  td.number { text-align: right; } th { color: #52606d; font-weight: 600; }
  .ahead { color: #17703f; font-weight: 600; } .behind { color: #a8321f; font-weight: 600; }
  details { margin-top: 12px; } summary { cursor: pointer; color: #0b6e99; }
`;

const SUITE_LEADS: Readonly<Record<Figure['suite'], string>> = {
  kernels: 'Single kernels, in turn with loops that do nothing but read memory or compute in registers.',
  latency:
    'How long one batch of prompts of one length waits for its first tokens, and for each token after them.',
  throughput:
    'Requests of different lengths that come all at once or as a Poisson stream. Time counts from when each comes.',
  memory:
    'The most memory that a process ever had which loads the model and generates, each in a process of its own.',
  serving: `What serving adds or saves in ${ENGINE}.`,
  serve:
    'Requests of clients that each send one after another: at `plumbline serve`, and at the engine alone.',
  parallel: `${ENGINE} in one process beside ${ENGINE} over ranks that have as many threads together, and what their exchanges cost.`,
};

/** A run as one HTML page that needs nothing beside itself. */
export function formatPage(report: BenchReport, charts: readonly Chart[]): string {
  const suites = [...new Set(report.figures.map(({ suite }) => suite))];
  const sections = suites.map((suite) => {
    const cards = charts
      .filter((chart) => chart.suite === suite)
      .map(({ title, svg }) => `<div class="card"><h3>${escapeHtml(title)}</h3>${svg}</div>`);
    return `<h2>${suite}</h2><p class="lead">${escapeHtml(SUITE_LEADS[suite])}</p><div class="grid">${cards.join('')}</div>`;
  });
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${ENGINE} bench</title><style>${STYLE}</style></head>
<body><main>
<h1>${ENGINE} bench</h1>
<p class="lead">${escapeHtml(
    `${report.model.name}, ${formatNumber(report.model.parameters / 1e6)} million parameters, ${report.threads} threads, ${report.profile.name} run of ${report.seconds.toFixed(0)} s, ${report.date}`,
  )}</p>
<p class="lead">Bars are medians and lines reach from quartile to quartile; subjects were measured in turn. The red mark is the
limit by a measurement of the same run, and in brackets stands the part of it that is reached.</p>
${comparison(report.figures)}
${sections.join('\n')}
<h2>Machine</h2><div class="card">${machine(report)}</div>
${skipped(report)}
<details><summary>All figures</summary><div class="card">${allFigures(report.figures)}</div></details>
</main></body></html>
`;
}

/** Other engines. Subjects of the other kind are Plumbline in another form, or the machine. */
const OTHER_ENGINES = PEERS.filter(({ title, isOurs }) => title !== ENGINE && !isOurs).map(
  ({ title }) => title,
);

/** How many times better our engine is than each other engine, task by task. */
function comparison(figures: readonly Figure[]): string {
  const peers = OTHER_ENGINES.filter((title) =>
    figures.some(({ subject, timesBetterThan }) => subject === ENGINE && title in timesBetterThan),
  );
  const ours = figures.filter(
    ({ subject, timesBetterThan }) => subject === ENGINE && peers.some((peer) => peer in timesBetterThan),
  );
  if (ours.length === 0) return '';
  const rows = ours.map((figure) => [
    cell(titleOf(figure)),
    ...peers.map((peer) => times(figure.timesBetterThan[peer])),
    number(figure.partOfLimit === undefined ? '' : formatPercent(figure.partOfLimit)),
  ]);
  const head = ['', ...peers.map((peer) => `than ${peer}`), 'of the limit'];
  return `<h2>How many times better ${ENGINE} is</h2><div class="card">${table(head, rows)}</div>`;
}

function times(value: number | undefined): string {
  if (value === undefined) return '<td></td>';
  return `<td class="number ${value >= 1 ? 'ahead' : 'behind'}">${formatTimes(value)}</td>`;
}

function machine({ machine, limits, versions, threads }: BenchReport): string {
  const rows: [string, string][] = [
    ['processor', `${machine.cpu}, ${machine.cores} cores`],
    ['features', machine.features.join(' ')],
    ['memory', `${(machine.memoryBytes / 1e9).toFixed(1)} GB`],
    ['system', machine.system],
    ['load before', machine.loadBefore.toFixed(2)],
    ['node', `${machine.node}, V8 ${machine.v8}${machine.nodeFlags.map((flag) => ` ${flag}`).join('')}`],
    [
      `limits of ${threads} threads`,
      `reads ${formatNumber(limits.bytesPerSecond / 1e9)} GB/s, computes ${formatNumber(limits.flopsPerSecond / 1e9)} GFLOP/s (fused multiply-adds of ${limits.vectorBits} bits), in WebAssembly`,
    ],
    ...Object.entries(versions),
  ];
  return table(
    [],
    rows.map((row) => row.map(cell)),
  );
}

function skipped({ skipped }: BenchReport): string {
  if (skipped.length === 0) return '';
  const rows = skipped.map(({ suite, subject, reason }) => [suite, subject, reason].map(cell));
  return `<h2>Left out</h2><div class="card">${table(['suite', 'subject', 'why'], rows)}</div>`;
}

function allFigures(figures: readonly Figure[]): string {
  const head = [
    'suite',
    'task',
    'subject',
    'unit',
    'median',
    'quartiles',
    'best',
    'samples',
    'limit',
    'of the limit',
  ];
  const rows = figures.map((figure) => {
    const { suite, subject, unit, better, summary, limit, partOfLimit } = figure;
    return [
      ...[suite, titleOf(figure), subject, `${unit}, ${better} is better`].map(cell),
      number(formatNumber(summary.median)),
      number(`${formatNumber(summary.lowerQuartile)} … ${formatNumber(summary.upperQuartile)}`),
      number(formatNumber(bestOf(figure))),
      number(String(summary.count)),
      cell(limit ? `${formatNumber(limit.value)} (${limit.from})` : ''),
      number(partOfLimit === undefined ? '' : formatPercent(partOfLimit)),
    ];
  });
  return table(head, rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const first =
    head.length > 0
      ? `<thead><tr>${head.map((name) => `<th>${escapeHtml(name)}</th>`).join('')}</tr></thead>`
      : '';
  return `<table>${first}<tbody>${rows.map((cells) => `<tr>${cells.join('')}</tr>`).join('')}</tbody></table>`;
}

function cell(text: string): string {
  return `<td>${escapeHtml(text)}</td>`;
}

function number(text: string): string {
  return `<td class="number">${escapeHtml(text)}</td>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
