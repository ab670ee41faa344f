import test from 'ava';
import { Command } from 'commander';
import { addThreadFlags, threadOptions } from '../../../../engine/cli/thread-flags.ts';

const parse = (...args: string[]) =>
  addThreadFlags(new Command().exitOverride()).parse(args, { from: 'user' }).opts();

const NOTHING = {
  threads: undefined,
  revectorize: undefined,
  tp: undefined,
  ep: undefined,
  backend: undefined,
};

test('ranks are as given; a backend that there is not is refused', (t) => {
  const ranks = { tp: 2, ep: 2, backend: 'mpi' };
  t.like(threadOptions(parse('--tp', '2', '--ep', '2', '--backend', 'mpi')), ranks);
  const command = addThreadFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  t.throws(() => command.parse(['--backend', 'smoke'], { from: 'user' }), { message: /fork, mpi/ });
});

test("threads and vectors are the engine's own choice until they are given", (t) => {
  t.deepEqual(threadOptions(parse()), NOTHING);
  t.deepEqual(threadOptions(parse('--threads', '3', '--revectorize')), {
    ...NOTHING,
    threads: 3,
    revectorize: true,
  });
});

test('a number of threads that is none is refused', (t) => {
  const command = addThreadFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  t.throws(() => command.parse(['--threads', '0'], { from: 'user' }), {
    message: /--threads.*positive whole number/,
  });
});
