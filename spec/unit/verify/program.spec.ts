import { EventEmitter } from 'node:events';
import test from 'ava';
import { run } from '../../../verify/program.ts';
import { FakeOutput } from '../engine/cli/support.ts';

async function runs(...argv: string[]) {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const findModel = async (name: string): Promise<never> => {
    throw new Error(`${name} is not asked for`);
  };
  const exitCode = await run(argv, { stdout, stderr, signals: new EventEmitter(), findModel });
  return { exitCode, out: stdout.text, err: stderr.text };
}

test('--help of the judge lists its commands, and each has a help of its own', async (t) => {
  const { exitCode, out, err } = await runs('--help');
  t.deepEqual([exitCode, err], [0, '']);
  for (const command of ['report', 'diff', 'smoke', 'inspect']) {
    t.regex(out, new RegExp(`^ {2}${command}\\b`, 'm'));
    const help = await runs(command, '--help');
    t.is(help.exitCode, 0, command);
    t.regex(help.out, new RegExp(`^Usage: plumbline-verify ${command}\\b`), command);
  }
});

test('an error begins with the name of the command, and has an exit code of its kind', async (t) => {
  t.like(await runs('--frob'), { exitCode: 2, out: '', err: "plumbline-verify: unknown option '--frob'\n" });
  t.like(await runs('report', '/no/such/verdict.json'), { exitCode: 3, out: '' });
});
