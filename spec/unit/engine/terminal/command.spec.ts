import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import type { Command } from 'commander';
import { FileError, UsageError } from '../../../../engine/errors.ts';
import { type RunCommandOptions, runCommand } from '../../../../engine/terminal/command.ts';
import { interruptible } from '../../../../engine/terminal/interrupt.ts';
import { readPackageJson } from '../../../../engine/terminal/package-json.ts';
import { FakeOutput } from '../cli/support.ts';

/** Runs a command whose action is `action`. @returns its exit code and what it wrote. */
async function ending(
  action: (setExitCode: (exitCode: number) => void) => Promise<void>,
  argv: readonly string[] = [],
  options: Partial<RunCommandOptions> = {},
) {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const define = (program: Command, setExitCode: (exitCode: number) => void) => {
    program.action(() => action(setExitCode));
    program.command('part').action(() => action(setExitCode));
  };
  const exitCode = await runCommand({ name: 'measure', define, argv, stdout, stderr, ...options });
  return { exitCode, out: stdout.text, err: stderr.text };
}

const failing = (error: Error) => () => Promise.reject(error);

test('an action that ends has exit code 0, or the one that it sets', async (t) => {
  t.deepEqual(await ending(async () => {}), { exitCode: 0, out: '', err: '' });
  t.is((await ending(async (setExitCode) => setExitCode(3))).exitCode, 3);
  t.is((await ending(async (setExitCode) => setExitCode(3), ['part'])).exitCode, 3);
});

test('help and version are exit code 0, on standard output', async (t) => {
  const help = await ending(failing(new Error('not run')), ['--help']);
  t.deepEqual([help.exitCode, help.err], [0, '']);
  t.regex(help.out, /^Usage: measure /);
  const version = await ending(failing(new Error('not run')), ['--version']);
  t.deepEqual(version, { exitCode: 0, out: `${readPackageJson().version}\n`, err: '' });
});

test('prose of a help text is wrapped to the terminal, lines to be copied are not', async (t) => {
  const columns = 30;
  const stdout = Object.assign(new FakeOutput(), { columns });
  const example = '  measure --with a --long b --list c --of d';
  const prose = 'Numbers are printed as they are measured, one in each line.';
  await runCommand({
    ...{ name: 'measure', argv: ['--help'], stdout, stderr: new FakeOutput() },
    define: (program) => program.addHelpText('after', `\n${prose}\n\n${example}`),
  });
  t.true(stdout.text.includes('Numbers are printed as they\nare measured, one in each\nline.'), stdout.text);
  t.true(stdout.text.includes(example), stdout.text);
  // What just fits stays in one line.
  for (const [line, printed] of [
    ['thirty characters are one line', 'thirty characters are one line\n'],
    ['words that fill thirty columns and more', 'words that fill thirty columns\nand more\n'],
    ['but thirty-one are two of them.', 'but thirty-one are two of\nthem.\n'],
  ]) {
    const exact = Object.assign(new FakeOutput(), { columns });
    await runCommand({
      ...{ name: 'measure', argv: ['--help'], stdout: exact, stderr: new FakeOutput() },
      define: (program) => program.addHelpText('after', line),
    });
    t.true(exact.text.endsWith(printed), exact.text);
  }
});

test('wrong usage is exit code 2, found by the parser or by the action', async (t) => {
  for (const argv of [['--no-such-option'], ['part', '--no-such-option']]) {
    const { exitCode, out, err } = await ending(async () => {}, argv);
    t.deepEqual([exitCode, out], [2, '']);
    t.is(err, "measure: unknown option '--no-such-option'\n");
  }
  const coloured = await ending(async () => {}, ['--\u001b[31mred', 'more']);
  t.is(coloured.err, "measure: unknown option '--\\u001b[31mred'\n");
  t.deepEqual(await ending(failing(new UsageError('--only needs a name'))), {
    ...{ exitCode: 2, out: '', err: 'measure: --only needs a name\n' },
  });
});

test('an error of the action is one line and exit code 1; --debug adds the stack trace', async (t) => {
  const error = new FileError('cannot read a.json');
  t.deepEqual(await ending(failing(error)), {
    ...{ exitCode: 1, out: '', err: 'measure: cannot read a.json\n' },
  });
  for (const argv of [['--debug'], ['part', '--debug'], ['--debug', 'part']]) {
    const { exitCode, err } = await ending(failing(error), argv);
    t.is(exitCode, 1);
    t.true(err.startsWith(`measure: ${error.stack}`), err);
  }
});

test('another exit code of failures is not that of wrong usage', async (t) => {
  const failureCode = 3;
  t.is((await ending(failing(new FileError('a')), [], { failureCode })).exitCode, 3);
  t.is((await ending(failing(new RangeError('a')), [], { failureCode })).exitCode, 3);
  t.is((await ending(failing(new UsageError('a')), [], { failureCode })).exitCode, 2);
  t.is((await ending(async () => {}, ['--nonsense'], { failureCode })).exitCode, 2);
});

test('an interrupted action has the exit code of the signal and no message', async (t) => {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const signals = new EventEmitter();
    const action = () => interruptible(signals, async () => void signals.emit(signal, signal));
    t.deepEqual(await ending(action), { exitCode, out: '', err: '' });
  }
});

test('the prefix of errors precedes the name in messages of the parser and of the action', async (t) => {
  const errorPrefix = '[rank 1] ';
  const parsed = await ending(async () => {}, ['--nonsense'], { errorPrefix });
  t.is(parsed.err, "[rank 1] measure: unknown option '--nonsense'\n");
  const run = await ending(failing(new FileError('a')), [], { errorPrefix });
  t.is(run.err, '[rank 1] measure: a\n');
});

test('onFailure is called once for each error, after its message, and not for help or an exit code', async (t) => {
  const failures: string[] = [];
  const stderr = new FakeOutput();
  const onFailure = async (error: unknown) => {
    failures.push(`${error} after ${stderr.text}`);
  };
  await ending(failing(new FileError('a')), [], { onFailure, stderr });
  t.deepEqual(failures.splice(0), ['FileError: a after measure: a\n']);
  await ending(async () => {}, ['--help'], { onFailure });
  await ending(async (setExitCode) => setExitCode(1), [], { onFailure });
  t.deepEqual(failures, []);
});

test('a command ends after what onFailure does has ended', async (t) => {
  let hasEnded = false;
  const onFailure = async () => {
    await turn();
    hasEnded = true;
  };
  await ending(failing(new FileError('a')), [], { onFailure });
  t.true(hasEnded);
});
