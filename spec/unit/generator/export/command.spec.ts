import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { runGoldens } from '../command.ts';

trackResources(test);

test('export --help has every option, the exit codes and examples', async (t) => {
  const { exitCode, out, err } = await runGoldens(t, ['export', '--help']);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  for (const option of ['model', 'out', 'format', 'type', 'prompts', 'json', 'folder', 'debug', 'help']) {
    t.regex(out, new RegExp(`^ .*--${option}\\b`, 'm'));
  }
  t.regex(out, /Exit codes: 0 done, 1 a failure, 2 wrong usage, 130 or 143 interrupted\./);
  t.regex(out, /Examples:\n {2}plumbline-goldens export/);
});

test('a fixture is exported, and --json says what was written', async (t) => {
  await ensureFixture('dense');
  const out = join(temporaryFolder(t), 'out');
  const args = ['export', '--model', 'dense', '--format', 'gguf', '--type', 'f32', '--out', out, '--json'];
  const end = await runGoldens(t, args);
  t.is(end.exitCode, 0);
  t.is(
    end.err,
    'plumbline-goldens: dense is a fixture with random weights; its text is gibberish by design\n',
  );
  t.deepEqual(JSON.parse(end.out), { out, model: 'model/dense-f32.gguf', cases: 9 });
  t.true(existsSync(join(out, 'model', 'dense-f32.gguf')));
});

const wrongUsages: [args: string[], message: RegExp][] = [
  [['--model', 'dense'], /^plumbline-goldens: required option '--out <folder>' not specified$/m],
  [['--out', 'x'], /^plumbline-goldens: required option '--model <model>' not specified$/m],
  [['--model', 'dense', '--out', 'x', '--format', 'pt'], /'--format <format>' argument 'pt' is invalid/],
  [['--model', 'dense', '--out', 'x', '--type', 'f32'], /--type f32 is for --format gguf/],
];
for (const [args, message] of wrongUsages) {
  test(`export ${args.join(' ')} is wrong usage: exit code 2, and nothing is written`, async (t) => {
    const { exitCode, out, err } = await runGoldens(t, ['export', ...args]);
    t.deepEqual({ exitCode, out }, { exitCode: 2, out: '' });
    t.regex(err, message);
    t.false(existsSync('x'));
  });
}

test('export --debug prints the stack trace of an error', async (t) => {
  const args = ['export', '--model', './nowhere', '--out', join(temporaryFolder(t), 'out')];
  const quiet = await runGoldens(t, args);
  t.is(quiet.exitCode, 1);
  t.regex(quiet.err, /^plumbline-goldens: \.\/nowhere: there is no such directory; .*\n$/);
  t.regex((await runGoldens(t, [...args, '--debug'])).err, /\n +at /);
});
