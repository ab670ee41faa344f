import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../engine/errors.ts';
import { ENGINE, type Measurement, toFigures } from '../../bench/figure.ts';
import { describeMachine } from '../../bench/machine.ts';
import { QUICK } from '../../bench/profile.ts';
import { drawCharts } from '../../bench/report/charts.ts';
import { checkWritable } from '../../bench/report/file.ts';
import { formatNumber, formatPercent, formatTimes } from '../../bench/report/format.ts';
import { formatPage } from '../../bench/report/page.ts';
import { formatTable } from '../../bench/report/table.ts';
import type { BenchReport } from '../../bench/run.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

const measurement = (subject: string, samples: number[], variant?: string): Measurement => ({
  task: variant ? 'time per token' : 'time to load',
  subject,
  unit: 'ms',
  better: 'lower',
  samples,
  ...(variant ? { variant, limit: { value: 4, from: 'reading' } } : {}),
});

const PEER = 'transformers.js (f32)';

const report: BenchReport = {
  date: '2026-11-22T00:00:00.000Z',
  seconds: 61,
  profile: QUICK,
  model: { name: 'a <model>', parameters: 596_049_920 },
  threads: 2,
  machine: describeMachine(),
  limits: { bytesPerSecond: 14.2e9, flopsPerSecond: 60e9, vectorBits: 256 },
  versions: { plumbline: '0.1.0' },
  figures: toFigures('latency', [
    measurement(ENGINE, [8, 10, 12], 'batch 1'),
    measurement(PEER, [20], 'batch 1'),
    measurement('plumbline serve', [9], 'batch 1'),
    measurement('other & co', [5], 'batch 1'),
    measurement(ENGINE, [1234.5]),
  ]),
  skipped: [{ suite: 'latency', subject: 'node-llama-cpp', reason: 'it is <not> installed' }],
};

test('numbers have three digits, or all before the point', (t) => {
  t.deepEqual([0.012345, 1.2345, 99.96, 123.4, 1234.5, 0].map(formatNumber), [
    '0.0123',
    '1.23',
    '100',
    '123',
    '1235',
    '0',
  ]);
  t.deepEqual([formatPercent(0.456), formatTimes(1.589)], ['45.6 %', '1.59×']);
});

test('the table has medians, quartiles, the best, the part of the limit and the comparison with ours', (t) => {
  const lines = formatTable(report).split('\n');
  t.is(lines[0], 'a <model>, 596 million parameters, quick run of 61 s');
  t.true(lines.includes('limits of 2 threads: reads 14.2 GB/s, computes 60 GFLOP/s (fused, 256 bits)'));
  t.true(lines.includes('  time per token (ms, lower is better)'));
  t.true(lines.includes('    batch 1  Plumbline              10  [9 … 11]   best 8   40 % of the limit'));
  t.true(
    lines.includes(
      '    batch 1  transformers.js (f32)  20  [20 … 20]  best 20  20 % of the limit    Plumbline is 2×',
    ),
    lines.join('\n'),
  );
  t.true(lines.includes('  latency, node-llama-cpp: it is <not> installed'));
});

test('the page has a plot for each task and every figure, needs nothing from elsewhere, and escapes what it shows', async (t) => {
  const charts = await drawCharts(report.figures);
  t.deepEqual(
    charts.map(({ suite, title }) => [suite, title]),
    [
      ['latency', 'time per token (ms)'],
      ['latency', 'time to load (ms)'],
    ],
  );
  for (const { svg } of charts) t.regex(svg, /^<svg .*ms, lower is better.*<\/svg>$/s);
  t.true(charts[0].svg.includes('>other &amp; co</text>'));
  t.true(charts[0].svg.includes('>10 (40 %)</text>'));
  // Names in a plot would be those of another plot of the page too.
  t.false(charts.some(({ svg }) => / id="/.test(svg)));
  const page = formatPage(report, charts);
  t.is(page.match(/<svg /g)?.length, 2);
  // Names of namespaces are no addresses that anything is fetched from.
  const addresses = page
    .replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')
    .match(/(?:https?:)?\/\/[\w.]+|src=|@import|url\(/g);
  t.is(addresses, null);
  t.true(page.includes('a &lt;model&gt;') && page.includes('it is &lt;not&gt; installed'));
  t.false(page.includes('<model>') || page.includes('<not>'));
  t.regex(
    page,
    /<td>time per token, batch 1<\/td><td class="number ahead">2×<\/td><td class="number">40 %<\/td>/,
  );
  t.false(page.includes('class="number behind"'), 'Plumbline in another form, or a part, is no other engine');
  t.true(page.includes(describeMachine().cpu));
  t.true(page.includes('node-llama-cpp'));
});

test('where nothing is compared and nothing was left out, nothing is said of it', async (t) => {
  const alone = { ...report, figures: report.figures.slice(2), skipped: [] };
  const page = formatPage(alone, await drawCharts(alone.figures));
  t.false(page.includes('How many times') || page.includes('Left out'));
  t.false(formatTable(alone).includes('left out'));
});

test('a file in a missing folder is an error before anything is measured', (t) => {
  const folder = temporaryFolder(t);
  checkWritable(join(folder, 'a.json'));
  t.throws(() => checkWritable(join(folder, 'none', 'a.json')), {
    instanceOf: UsageError,
    message: /there is no folder .*none; make it first/,
  });
});
