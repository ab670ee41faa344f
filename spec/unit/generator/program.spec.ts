import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import type { ModelSummary } from '../../../generator/review/summary.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { runGoldens, runGoldensHere } from './command.ts';
import { checkpoint, DENSE } from './onnx/checkpoints.ts';

trackResources(test);

test('--help has every option, the exit codes, and the effect of CI', async (t) => {
  const { exitCode, out, err } = await runGoldensHere(['--help']);
  t.is(exitCode, 0);
  t.is(err, '');
  for (const option of ['model', 'only', 'check', 'accept', 'json', 'folder', 'debug', 'help']) {
    t.regex(out, new RegExp(`^ .*--${option}\\b`, 'm'));
  }
  t.regex(out, /With CI set in the environment, every run is a --check/);
  t.regex(out, /Exit codes: 0 done, 1 .*, 2 wrong usage, 130 or 143 interrupted\./);
  t.regex(out, /Examples:\n {2}plumbline-goldens/);
  // The default models, and all fixtures.
  t.regex(
    out.replace(/\s+/g, ' '),
    /\(default: \["dense","dense-bf16","moe","moe-nonorm","outliers","peaked"\]\)/,
  );
  t.regex(out, /^Fixtures: dense, dense-bf16, moe, moe-nonorm, outliers, peaked, qwen3-0\.6b-shape\.$/m);
});

const wrongUsages: [args: string[], env: NodeJS.ProcessEnv, message: RegExp][] = [
  [['--frob'], {}, /^plumbline-goldens: unknown option '--frob'/],
  [['--accept', '--check'], {}, /^plumbline-goldens: --accept takes the pending goldens as they are/],
  [
    ['--accept', '--only', 'ids-one'],
    {},
    /^plumbline-goldens: --accept takes the pending goldens as they are/,
  ],
  [['--accept'], { CI: 'true' }, /^plumbline-goldens: --accept .*nor set CI$/m],
  [['--only', 'not-there'], {}, /^plumbline-goldens: there is no case "not-there"; see prompts\.json/],
];
for (const [args, env, message] of wrongUsages) {
  test(`${args.join(' ')}${env.CI ? ' in CI' : ''} is wrong usage: exit code 2, one message, nothing else`, async (t) => {
    const { exitCode, out, err } = await runGoldensHere(args, env);
    t.is(exitCode, 2);
    t.is(out, '');
    t.regex(err, message);
    t.is(err.trim().split('\n').length, 1);
  });
}

test('with nothing pending --accept fails, without a stack trace', async (t) => {
  const folder = temporaryFolder(t);
  const { exitCode, out, err } = await runGoldensHere(['--accept', '--folder', folder]);
  t.is(exitCode, 1);
  t.is(out, '');
  t.regex(err, /^plumbline-goldens: .*: nothing is pending; record first.*\n$/);
});

test('--json prints the accepted files', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, '.pending', 'dense'), { recursive: true });
  writeFileSync(join(folder, '.pending', 'dense', 'one.json'), '');
  const { exitCode, out, err } = await runGoldensHere(['--accept', '--json', '--folder', folder]);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.deepEqual(JSON.parse(out), { accepted: ['dense/one.json'] });
});

test('a folder without prompts fails, without a stack trace', async (t) => {
  const folder = temporaryFolder(t);
  const args = ['--folder', folder, '--model', 'dense'];
  const { exitCode, err } = await runGoldensHere(args);
  t.is(exitCode, 1);
  t.is(err.split('\n').length, 2, err);
  t.true(err.startsWith(`plumbline-goldens: cannot read ${join(folder, 'prompts.json')} (ENOENT)`), err);
  t.deepEqual(readdirSync(folder), []);
});

test('--check fails if one of several models differs, whichever it is; a recording of the same does not', async (t) => {
  const folder = temporaryFolder(t);
  const prompts = [{ id: 'one', category: 'short', ids: [3, 1] }];
  writeFileSync(join(folder, 'prompts.json'), JSON.stringify({ maxNewTokens: 1, prompts }));
  const models = [await checkpoint(t, DENSE), await checkpoint(t, DENSE)];
  const record = (...args: string[]) => runGoldensHere(['--model', ...models, '--folder', folder, ...args]);
  t.like(await record(), { exitCode: 0, err: '' });
  t.like(await runGoldensHere(['--accept', '--folder', folder]), { exitCode: 0, err: '' });
  const paths = models.map((model) => join(folder, basename(model), 'one.json'));
  const [golden] = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')));
  for (const [edited, args, exitCode] of [
    [[false, false], ['--check'], 0],
    [[true, false], ['--check'], 1],
    [[false, true], ['--check'], 1],
    [[true, true], ['--check'], 1],
    [[false, true], [], 0],
  ] as const) {
    for (const [i, path] of paths.entries())
      writeFileSync(path, JSON.stringify(edited[i] ? { ...golden, category: 'edge' } : golden));
    const { out, ...ended } = await record(...args, '--json');
    const what = JSON.stringify({ edited, args });
    t.deepEqual(ended, { exitCode, err: '' }, what);
    const summary = JSON.parse(out) as { models: ModelSummary[]; pending: boolean };
    const kinds = edited.map((isEdited) => (isEdited ? 'changed' : 'unchanged'));
    t.deepEqual(
      summary.models.map(({ cases }) => cases[0].kind),
      kinds,
      what,
    );
    t.is(summary.pending, args.length === 0, what);
  }
});

/** A module that makes a function of node:fs fail like a bug. */
const BUG = `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { existsSync } = fs;
  fs.existsSync = (path) => {
    if (String(path).endsWith('.pending')) throw new TypeError('a bug');
    return existsSync(path);
  };
  syncBuiltinESMExports();`;

test('any other error is one line too, and --debug adds its stack trace', async (t) => {
  const env = { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(BUG)}"` };
  const args = ['--accept', '--folder', temporaryFolder(t)];
  const { exitCode, err } = await runGoldens(t, args, env);
  t.is(exitCode, 1);
  t.is(err, 'plumbline-goldens: unexpected TypeError: a bug; --debug shows where\n');
  const debugged = await runGoldens(t, [...args, '--debug'], env);
  t.is(debugged.exitCode, 1);
  t.regex(debugged.err, /\n {4}at acceptPending .*pending\.ts/);
});
