import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { XMLValidator } from 'fast-xml-parser';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { run as runCommandLine } from '../../verify/program.ts';
import { readVerdict } from '../../verify/report/read-verdict.ts';
import type { Verdict } from '../../verify/verdict.ts';
import type { VerifyModel } from '../../verify/verify.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { type Ended, ended, startNode } from '../support/processes/processes.ts';
import { fakeServed } from '../support/servers/fake-served.ts';
import { LoopbackServer } from '../support/servers/loopback-server.ts';
import { vllmRoutes } from '../support/servers/vllm.ts';
import { FakeOutput } from '../unit/engine/cli/support.ts';

trackResources(test);

/** The command as a process. */
const run = (...argv: string[]) => ended(startNode('verify/cli.ts', argv));

/** The command in this process. */
async function runHere(...argv: string[]): Promise<Ended> {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const findModel = async (name: string): Promise<VerifyModel> => ({
    ...{ name, source: 'fixture', modelDir: await ensureFixture(name), golden: { name } },
  });
  const exitCode = await runCommandLine(argv, { stdout, stderr, signals: new EventEmitter(), findModel });
  return { exitCode, out: stdout.text, err: stderr.text };
}

/** Few cases, so that a run takes seconds. */
const FEW = ['--model', 'dense', '--run', 'ids-short', 'ids-one', 'ids-block', 'ids-longer'];
const ENGINE = new URL('../../engine/index.ts', import.meta.url).href;
const ADAPTER = new URL('../../verify/adapters/engine.ts', import.meta.url).href;

test.before('the fixture is made once', async () => {
  await ensureFixture('dense');
});

test('our engine is right, in every form of report', async (t) => {
  const folder = temporaryFolder(t);
  const path = (name: string) => join(folder, name);
  const { exitCode, out, err } = await run(
    ...FEW,
    ...['--json', path('v.json'), '--junit', path('v.xml'), '--html', path('v.html')],
    ...['--markdown', path('v.md'), '--badge', path('b.json')],
  );
  t.is(exitCode, 0, err);
  t.is(err, '', 'progress is for terminals');
  t.regex(out, /^RIGHT: plumbline computes dense as f32 does\n/);
  const verdict = readVerdict(path('v.json'));
  t.like(verdict, {
    verdict: 'right',
    model: { name: 'dense', source: 'fixture' },
    reference: { kind: 'goldens' },
  });
  t.true(XMLValidator.validate(readFileSync(path('v.xml'), 'utf8')));
  t.regex(readFileSync(path('v.html'), 'utf8'), /^<!doctype html>/);
  t.regex(readFileSync(path('v.md'), 'utf8'), /^### ✅ RIGHT/);
  t.is(JSON.parse(readFileSync(path('b.json'), 'utf8')).message, 'right f32');

  const again = await run('report', path('v.json'));
  t.deepEqual([again.exitCode, again.out], [0, out]);
  const html = await runHere('report', path('v.json'), '--format', 'html');
  t.is(html.out, readFileSync(path('v.html'), 'utf8'));
});

test('a broken engine is wrong, its bug is named, and a diff of the verdicts says what is worse', async (t) => {
  const folder = temporaryFolder(t);
  const module = join(folder, 'broken.ts');
  // An engine that takes another model's RoPE theta.
  writeFileSync(
    module,
    `import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from ${JSON.stringify(ENGINE)};
import { engineSubject } from ${JSON.stringify(ADAPTER)};
const own = engineSubject('another theta', Engine);
export default {
  info: own.info,
  async load(modelDir) {
    const copy = mkdtempSync(join(${JSON.stringify(folder)}, 'model-'));
    cpSync(modelDir, copy, { recursive: true });
    const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8'));
    writeFileSync(join(copy, 'config.json'), JSON.stringify({ ...config, rope_theta: 10 * config.rope_theta }));
    return own.load(copy);
  },
};
`,
  );
  const [before, after] = [join(folder, 'before.json'), join(folder, 'after.json')];
  t.is((await runHere(...FEW, '--checks', 'precision', 'bugs', '--json', before)).exitCode, 0);
  const { exitCode, out } = await runHere(
    ...FEW,
    ...['--checks', 'precision', 'bugs', '--module', module, '--json', after],
  );
  t.is(exitCode, 1);
  t.regex(
    out,
    /^WRONG: another theta does not compute dense: bug rope-theta-x10 \(RoPE theta is ten times too large\): coefficient (0\.9|1\.0)/,
  );
  const { bugs } = readVerdict(after);
  t.deepEqual(
    bugs.filter(({ verdict }) => verdict === 'found').map(({ name }) => name),
    ['rope-theta-x10'],
  );
  const diff = await run('diff', before, after);
  t.is(diff.exitCode, 1);
  t.regex(diff.out, /worse:\n {2}verdict: right → wrong\n {2}bug "rope-theta-x10": ruled out → found\n/);
  t.is((await runHere('diff', after, before)).exitCode, 0);
});

const python = spawnSync('python3', ['--version']).status === 0;
test('a program in Python is judged over standard input and output', async (t) => {
  if (!python) {
    t.log('there is no python3 here: the program was not judged');
    t.falsy(process.env.CI, 'CI has python3');
    return t.pass();
  }
  const { exitCode, out } = await runHere(
    ...['--model', 'dense', '--run', 'ids-one', 'ids-short', '--json', '-'],
    ...['--command', 'python3 examples/adapters/python/engine.py'],
  );
  const verdict: Verdict = JSON.parse(out);
  t.is(exitCode, 0, verdict.reasons.join());
  t.is(verdict.precision.class, 'f32');
  t.is(verdict.subject.language, 'Python');
});

test('an engine that cannot be reached leaves the verdict open: exit code 3, also in the JSON', async (t) => {
  for (const flags of [
    ['--command', '/no/such/program'],
    ['--url', 'http://127.0.0.1:1'],
  ]) {
    const { exitCode, out } = await runHere('--model', 'dense', '--run', 'ids-one', ...flags, '--json', '-');
    t.is(exitCode, 3, flags.join(' '));
    const verdict: Verdict = JSON.parse(out);
    t.is(verdict.verdict, 'unknown');
    t.true(verdict.reasons[0].length > 10);
  }
});

test('an engine that cannot be asked is reported before our engine computes anything', async (t) => {
  const server = closing(t, await LoopbackServer.start(vllmRoutes(fakeServed())));
  // Without weights our engine can compute nothing.
  const modelDir = temporaryFolder(t);
  cpSync(join(await ensureFixture('dense'), 'config.json'), join(modelDir, 'config.json'));
  const findModel = async (name: string): Promise<VerifyModel> => ({ name, source: 'directory', modelDir });
  for (const [flags, message] of [
    [['--url', 'http://127.0.0.1:1'], /: the connection failed: connect ECONNREFUSED 127\.0\.0\.1:1; /],
    [['--url', server.url, '--served-model', 'other'], /answers 404: .*The model other does not exist/],
    [['--command', '/no/such/program'], /: cannot start "\/no\/such\/program": it is not found; /],
  ] as const) {
    const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
    const io = { stdout, stderr, signals: new EventEmitter(), findModel };
    t.is(await runCommandLine(['--model', 'mine', ...flags], io), 3);
    t.regex(stdout.text + stderr.text, message);
  }
});

const wrong: readonly (readonly [what: string, argv: string[], message: RegExp])[] = [
  ['no model', [], /give the model: --model dense/],
  [
    'two engines',
    ['--model', 'dense', '--module', 'a.ts', '--command', 'b'],
    /give one engine; .* name several/,
  ],
  [
    'a pattern that fits no case',
    ['--model', 'dense', '--run', 'cat-*'],
    /choose among the cases .*; "cat-\*" fits none/,
  ],
  [
    'a check that does not exist',
    ['--model', 'dense', '--checks', 'speed'],
    /choose among the checks .*; there is no "speed"/,
  ],
  ['a precision that does not exist', ['--model', 'dense', '--precision', 'fp8'], /Allowed choices are f32/],
];
for (const [what, argv, message] of wrong) {
  test(`${what} is wrong usage: exit code 2 and one line`, async (t) => {
    // One of them shows what a process does.
    const { exitCode, out, err } = await (argv.length === 0 ? run : runHere)(...argv);
    t.deepEqual([exitCode, out], [2, '']);
    t.regex(err, message);
    t.regex(err, /^plumbline-verify: [^\n]+\n$/);
  });
}

test('a known failure does not count, and a stale one does', async (t) => {
  const folder = temporaryFolder(t);
  const known = join(folder, 'known.txt');
  writeFileSync(known, 'ids-one # is right\n');
  const { exitCode, out } = await runHere(
    ...FEW,
    '--checks',
    'precision',
    'greedy',
    '--known-failing',
    known,
  );
  t.is(exitCode, 1);
  t.regex(out, /ids-one is said to fail and is right/);
});

test('inspect has a --model of its own', async (t) => {
  const { exitCode, out } = await run('inspect', '--model', 'dense', '--case', 'ids-one');
  t.is(exitCode, 0);
  t.regex(out, /hidden_states\.final/);
});

test('Ctrl-C ends a run at once, with a report of what was done', async (t) => {
  const folder = temporaryFolder(t);
  const [module, report] = [join(folder, 'slow.js'), join(folder, 'v.json')];
  // An engine that answers one case, then computes on whatever the signal says.
  writeFileSync(
    module,
    `let asked = 0;
    export default { info: { name: 'slow' }, load: async () => ({
      capabilities: { scores: 'none', hidden: false, tokenize: false, chat: false, maxConcurrency: 1 },
      forward: async () => ({ rows: [] }),
      generate: ({ maxNewTokens }) => {
        if (asked++ === 0) return { tokens: Array(maxNewTokens).fill(0) };
        console.error('asked');
        return new Promise((resolve) => setTimeout(resolve, 60_000));
      },
      close: async () => {},
    }) };`,
  );
  const flags = ['--run', 'ids-one', 'ids-short', '--module', module, '--json', report];
  const child = startNode('verify/cli.ts', ['--model', 'dense', ...flags]);
  child.stderr!.once('data', () => child.kill('SIGINT'));
  const { exitCode, out, err } = await ended(child);
  t.is(exitCode, 130);
  t.regex(out, /^UNKNOWN: .* on dense: stopped after 1 of 2 cases: interrupted by SIGINT\n/);
  t.regex(err, /concluding from the answers so far; a second signal ends it at once/);
  const verdict = readVerdict(report);
  t.is(verdict.verdict, 'unknown');
  t.is(verdict.cases.length, 1);
  t.true(verdict.unchecked.some(({ what }) => what.startsWith('1 case: ids-')));
});
