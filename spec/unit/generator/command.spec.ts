import test from 'ava';
import { Command } from 'commander';
import { FileError, UsageError } from '../../../engine/errors.ts';
import { runCommand } from '../../../generator/command.ts';

/** Runs a command that ends as `run` does. @returns its exit code and what it said. */
async function ending(run: () => Promise<number>, ...args: string[]) {
  let said = '';
  const keep = (text: string) => {
    said += text;
  };
  const program = new Command('measure')
    .option('--debug')
    .exitOverride()
    .configureOutput({ writeOut: keep, writeErr: keep });
  const { write } = process.stderr;
  process.stderr.write = (text: string | Uint8Array) => {
    keep(String(text));
    return true;
  };
  try {
    return { code: await runCommand(program, run, ['node', 'measure', ...args]), said: () => said };
  } finally {
    process.stderr.write = write;
  }
}

const failing = (error: Error) => () => Promise.reject(error);

test.serial('a command ends with the code that it returns', async (t) => {
  t.is((await ending(async () => 3)).code, 3);
});

test.serial('help is no failure, and wrong usage is 2, whoever notices it', async (t) => {
  t.is((await ending(async () => 1, '--help')).code, 0);
  t.is((await ending(async () => 0, '--no-such-option')).code, 2);
  const { code, said } = await ending(failing(new UsageError('--only needs a name')));
  t.is(code, 2);
  t.is(said(), 'measure: --only needs a name\n');
});

test.serial(
  'an error of ours is its message; a bug names its class, and where it is on demand',
  async (t) => {
    const ours = await ending(failing(new FileError('a.json: cannot be read')));
    t.deepEqual([ours.code, ours.said()], [1, 'measure: a.json: cannot be read\n']);
    const bug = new TypeError('x is undefined');
    t.is(
      (await ending(failing(bug))).said(),
      'measure: unexpected TypeError: x is undefined; --debug shows where\n',
    );
    t.is((await ending(failing(bug), '--debug')).said(), `measure: ${bug.stack}\n`);
  },
);
