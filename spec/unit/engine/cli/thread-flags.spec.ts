import test from 'ava';
import { Command } from 'commander';
import { addThreadFlags, threadOptions } from '../../../../engine/cli/thread-flags.ts';

const parse = (...args: string[]) =>
  addThreadFlags(new Command().exitOverride()).parse(args, { from: 'user' }).opts();

test("threads and vectors are the engine's own choice until they are given", (t) => {
  t.deepEqual(threadOptions(parse()), { threads: undefined, revectorize: undefined });
  t.deepEqual(threadOptions(parse('--threads', '3', '--revectorize')), { threads: 3, revectorize: true });
});

test('a number of threads that is none is refused', (t) => {
  const command = addThreadFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  t.throws(() => command.parse(['--threads', '0'], { from: 'user' }), {
    message: /--threads.*positive whole number/,
  });
});
