import { spawn } from 'node:child_process';
import test from 'ava';
import { FIXTURES, QUICK_FIXTURES } from '../../../../generator/fixtures/fixture-specs.ts';
import { type Ended, ended } from '../../../support/processes/processes.ts';

const MODULE = new URL('../../../support/golden/recording-command.ts', import.meta.url).href;

/** Runs a script in a process of its own. @param body defines and runs the command, of these imports. */
function run(body: string, ...argv: string[]): Promise<Ended> {
  const program = `import { recordingCommand, scriptCommand } from ${JSON.stringify(MODULE)}; ${body}`;
  const options = ['--input-type=module', '--eval', program, '--'];
  // Node leaves the place of a script's name out of the arguments of --eval.
  return ended(spawn(process.execPath, [...options, 'script', ...argv]));
}

const SUM = `await scriptCommand('sum', 'Add two numbers.', (program) => program
  .argument('<a>').argument('<b>')
  .action((a, b) => {
    if (a === 'x') throw new Error('x is no number');
    console.log(Number(a) + Number(b));
  }));`;

test('a script computes from its arguments, and its help says its name, arguments and description', async (t) => {
  t.deepEqual(await run(SUM, '2', '3'), { exitCode: 0, out: '5\n', err: '' });
  const { exitCode, out, err } = await run(SUM, '--help');
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.regex(out, /^Usage: sum \[options\] <a> <b>\n\nAdd two numbers\.\n/);
});

test('a script refuses flags and arguments that it does not know; an error is one line', async (t) => {
  for (const [argv, exitCode, message] of [
    [['2', '3', '--fast'], 2, /^sum: unknown option '--fast'/],
    [['2', '3', '4'], 2, /^sum: too many arguments/],
    [['2'], 2, /^sum: missing required argument 'b'/],
    [['x', '3'], 1, /^sum: unexpected Error: x is no number; --debug shows where\n$/],
  ] as const) {
    const ending = await run(SUM, ...argv);
    t.deepEqual({ exitCode: ending.exitCode, out: ending.out }, { exitCode, out: '' }, argv.join(' '));
    t.regex(ending.err, message, argv.join(' '));
  }
});

test('a recording is of the named fixtures in their order, by default of all quick ones', async (t) => {
  const record = `await recordingCommand('figures', 'Record figures.', async (name) => console.log(name));`;
  t.deepEqual((await run(record)).out.trimEnd().split('\n'), [...QUICK_FIXTURES]);
  t.is((await run(record, 'moe', 'dense')).out, 'moe\ndense\n');
  const unknown = await run(record, 'dens');
  t.deepEqual({ exitCode: unknown.exitCode, out: unknown.out }, { exitCode: 2, out: '' });
  for (const name of Object.keys(FIXTURES)) t.true(unknown.err.includes(name), name);
});
