import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { KERNELS } from '../../engine/kernels/table.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import type { BenchReport } from '../bench/run.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { ended, startNode } from '../support/processes/processes.ts';

trackResources(test);

const BENCH = 'spec/bench/bench.ts';
const bench = (...args: string[]) => ended(startNode(BENCH, args));
/** The quickest run there is. */
const SMALL = ['--quick', '--model', 'dense', '--rounds', '1', '--threads', '1'];

test.before('the fixture is made once', async () => {
  await ensureFixture('dense');
});

test('a run prints a table, writes JSON and a page, and leaves out with a word who is not installed', async (t) => {
  const folder = temporaryFolder(t);
  const [json, html] = ['bench.json', 'bench.html'].map((name) => join(folder, name));
  const { exitCode, out, err } = await bench(
    ...SMALL,
    ...['--suite', 'latency,serving', '--subjects', 'plumbline,transformers.js,node-llama-cpp'],
    ...['--llama', folder, '--json', json, '--html', html],
  );
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.deepEqual(readdirSync(folder).sort(), ['bench.html', 'bench.json']);
  const report: BenchReport = JSON.parse(readFileSync(json, 'utf8'));
  t.deepEqual([report.model.name, report.threads, report.profile.rounds], ['dense', 1, 1]);
  t.deepEqual(Object.keys(report.versions).sort(), ['plumbline', 'transformers.js']);
  t.deepEqual(
    [...new Set(report.figures.map(({ suite, task }) => `${suite}: ${task}`))],
    [
      'latency: prefill of 512 tokens',
      'latency: time to first token',
      'latency: time per token',
      'serving: scheduling a step of 8',
      'serving: decoding by batch',
      'serving: time to first token of 512',
      'serving: decoding with prompt lookup',
    ],
  );
  const perToken = report.figures.filter(({ task }) => task === 'time per token');
  t.is(perToken.length, 2 * 4, 'two subjects at four batch sizes');
  for (const { summary, partOfLimit, timesBetterThan } of perToken) {
    t.true(summary.median > 0 && summary.count === 1);
    t.true(partOfLimit! > 0);
    t.is(Object.keys(timesBetterThan).length, 1);
  }
  // Each has failed if its prompt was not found in the cache, or was.
  const prefix = report.figures.filter(({ task }) => task === 'time to first token of 512');
  t.deepEqual(
    prefix.map(({ subject, timesBetterThan }) => [subject, Object.keys(timesBetterThan)]),
    [
      ['prefix hit', ['prefix miss']],
      ['prefix miss', ['prefix hit']],
    ],
  );
  t.deepEqual(
    report.skipped.map(({ suite, subject }) => [suite, subject]),
    [['latency', 'node-llama-cpp']],
  );
  t.regex(report.skipped[0].reason, /it is not installed at/);
  t.regex(out, /^ {4}batch 8 +Plumbline +[\d.]+ +\[[\d.]+ … [\d.]+\] +best [\d.]+ +[\d.]+ % of the limit$/m);
  t.regex(out, /^ {2}latency, node-llama-cpp: .*it is not installed/m);
  const page = readFileSync(html, 'utf8');
  t.regex(page, /^<!doctype html>.*<\/html>\n$/s);
  t.is(page.match(/<svg /g)?.length, 7);
});

test('kernels are held to the limits of the machine, memory to weights and cache', async (t) => {
  const json = join(temporaryFolder(t), 'bench.json');
  const { exitCode, err } = await bench(
    ...SMALL,
    ...['--suite', 'kernels,memory,throughput', '--subjects', 'plumbline', '--json', json],
  );
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  const { figures, skipped }: BenchReport = JSON.parse(readFileSync(json, 'utf8'));
  t.deepEqual(skipped, []);
  const of = (task: string) => figures.filter((figure) => figure.task === task);
  const limits = of('limits of the machine');
  t.is(limits.length, 2);
  // Every kernel; matmuls of each dtype with 1, 8 and 128 rows.
  t.deepEqual(
    of('kernels bound by reading').map(({ variant }) => variant?.split(',')[0]),
    Object.keys(KERNELS),
  );
  t.is(of('kernels bound by arithmetic').length, 2 * 3);
  // Rates depend on the machine: the specs of samples.ts and statistics.ts hold work and clock to figures.
  for (const [i, bound] of ['reading', 'arithmetic'].entries()) {
    for (const { variant, summary, limit, partOfLimit } of of(`kernels bound by ${bound}`)) {
      t.is(limit?.value, limits[i].summary.max, variant);
      t.is(partOfLimit, summary.median / limits[i].summary.max, variant);
      t.true(partOfLimit! > 0, variant);
    }
  }
  t.deepEqual(
    of('key/value cache').map(({ variant, summary }) => [variant, summary.median]),
    [256, 1024, 4096].map((tokens) => [`cache of ${tokens} tokens`, (tokens * 3 * 2 * 2 * 24 * 4) / 1e6]),
  );
  t.true(of('peak memory').every(({ summary }) => summary.median > 40));
  t.deepEqual(
    of('tokens per second of all requests').map(({ variant }) => variant),
    ['burst of 16 requests', '16 requests at 20/s'],
  );
});

const wrong: [what: string, args: string[], message: RegExp][] = [
  [
    'a suite that does not exist',
    ['--suite', 'latency,speed'],
    /There is no "speed"; there are kernels, latency/,
  ],
  ['a subject that does not exist', ['--subjects', 'vllm'], /There is no "vllm"; there are plumbline, /],
  ['no threads', ['--threads', '0'], /positive whole number/],
  [
    'a folder that is not there',
    ['--json', '/no/such/folder/x.json'],
    /there is no folder \/no\/such\/folder; make/,
  ],
];
for (const [what, args, message] of wrong) {
  test(`${what} is wrong usage, exit code 2, with a message of one line`, async (t) => {
    const { exitCode, out, err } = await bench(...args);
    t.deepEqual([exitCode, out], [2, '']);
    t.regex(err, /^bench: [^\n]+\n$/);
    t.regex(err, message);
  });
}

test('a model that is not there ends with 1 and a line', async (t) => {
  const { exitCode, out, err } = await bench('--quick', '--model', 'no such model');
  t.deepEqual([exitCode, out], [1, '']);
  t.regex(err, /^bench: [^\n]*no such model[^\n]*\n$/);
});

test('where the engine itself cannot take part, a run ends with 1 and says why', async (t) => {
  const modelDir = temporaryFolder(t);
  copyFileSync(join(await ensureFixture('dense'), 'config.json'), join(modelDir, 'config.json'));
  const args = [...SMALL, '--model', modelDir, '--suite', 'memory'];
  const { exitCode, out, err } = await bench(...args, '--subjects', 'plumbline');
  t.deepEqual([exitCode, err], [1, '']);
  t.regex(out, /^left out\n {2}memory, plumbline: .*has neither model\.safetensors nor/m);
});

test('--help lists every option, and what to install for the peer that is not there', async (t) => {
  const { exitCode, out, err } = await bench('--help');
  t.deepEqual([exitCode, err], [0, '']);
  for (const option of [
    'suite',
    'quick',
    'model',
    'threads',
    'subjects',
    'rounds',
    'llama',
    'json',
    'html',
    'debug',
  ]) {
    t.regex(out, new RegExp(`^ +--${option}\\b`, 'm'));
  }
  t.regex(out, /npm i --no-save node-llama-cpp@/);
});

test('SIGTERM half-way ends with 143, and no subject goes on', async (t) => {
  const folder = temporaryFolder(t);
  const json = join(folder, 'bench.json');
  const args = [
    ...SMALL,
    '--suite',
    'latency',
    '--subjects',
    'plumbline',
    '--rounds',
    '1000',
    '--json',
    json,
  ];
  const child = startNode(BENCH, args);
  t.teardown(() => child.kill('SIGKILL'));
  const end = ended(child);
  const children = () => {
    const lists = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    return lists.trim().split(' ').filter(Boolean).map(Number);
  };
  while (child.exitCode === null && children().length === 0) await sleep(20);
  const subjects = children();
  child.kill('SIGTERM');
  t.deepEqual(await end, { exitCode: 143, out: '', err: '' });
  t.true(subjects.length > 0);
  for (let waited = 0; waited < 2000 && subjects.some(isRunning); waited += 20) await sleep(20);
  t.deepEqual(subjects.filter(isRunning), []);
  t.deepEqual(readdirSync(folder), []);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
