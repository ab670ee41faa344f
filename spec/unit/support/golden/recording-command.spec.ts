import { spawn } from 'node:child_process';
import test from 'ava';
import { FIXTURES, QUICK_FIXTURES } from '../../../../generator/fixtures/fixture-specs.ts';
import { type Ended, ended } from '../../../support/processes/processes.ts';

const MODULE = new URL('../../../support/golden/recording-command.ts', import.meta.url).href;

/**
 * Runs a command several times in one process of its own.
 *
 * @param body defines and runs the command, of these imports.
 */
async function run(body: string, ...lines: string[][]): Promise<Ended[]> {
  const program = `import { recordingCommand, scriptCommand } from ${JSON.stringify(MODULE)};
    const codes = [];
    for (const line of ${JSON.stringify(lines)}) {
      process.argv = ['node', 'script', ...line];
      ${body}
      codes.push(process.exitCode);
      process.stdout.write('\\0');
      process.stderr.write('\\0');
    }
    process.exitCode = 0;
    console.log(JSON.stringify(codes));`;
  const { out, err } = await ended(spawn(process.execPath, ['--input-type=module', '--eval', program]));
  const outs = out.split('\0');
  const codes: number[] = JSON.parse(outs.pop()!);
  return codes.map((exitCode, i) => ({ exitCode, out: outs[i], err: err.split('\0')[i] }));
}

const SUM = `await scriptCommand('sum', 'Add two numbers.', (program) => program
  .argument('<a>').argument('<b>')
  .action((a, b) => {
    if (a === 'x') throw new Error('x is no number');
    console.log(Number(a) + Number(b));
  }));`;

test('a script computes from its arguments, and its help says its name, arguments and description', async (t) => {
  const [sum, help] = await run(SUM, ['2', '3'], ['--help']);
  t.deepEqual(sum, { exitCode: 0, out: '5\n', err: '' });
  t.deepEqual({ exitCode: help.exitCode, err: help.err }, { exitCode: 0, err: '' });
  t.regex(help.out, /^Usage: sum \[options\] <a> <b>\n\nAdd two numbers\.\n/);
});

const REFUSED: [argv: string[], exitCode: number, message: RegExp][] = [
  [['2', '3', '--fast'], 2, /^sum: unknown option '--fast'/],
  [['2', '3', '4'], 2, /^sum: too many arguments/],
  [['2'], 2, /^sum: missing required argument 'b'/],
  [['x', '3'], 1, /^sum: unexpected Error: x is no number; --debug shows where\n$/],
];

test('a script refuses flags and arguments that it does not know; an error is one line', async (t) => {
  const endings = await run(SUM, ...REFUSED.map(([argv]) => argv));
  for (const [i, [argv, exitCode, message]] of REFUSED.entries()) {
    const ending = endings[i];
    t.deepEqual({ exitCode: ending.exitCode, out: ending.out }, { exitCode, out: '' }, argv.join(' '));
    t.regex(ending.err, message, argv.join(' '));
  }
});

test('a recording is of the named fixtures in their order, by default of all quick ones', async (t) => {
  const record = `await recordingCommand('figures', 'Record figures.', async (name) => console.log(name));`;
  const [all, named, unknown] = await run(record, [], ['moe', 'dense'], ['dens']);
  t.deepEqual(all.out.trimEnd().split('\n'), [...QUICK_FIXTURES]);
  t.is(named.out, 'moe\ndense\n');
  t.deepEqual({ exitCode: unknown.exitCode, out: unknown.out }, { exitCode: 2, out: '' });
  for (const name of Object.keys(FIXTURES)) t.true(unknown.err.includes(name), name);
});
