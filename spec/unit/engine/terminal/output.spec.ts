import { EventEmitter } from 'node:events';
import test from 'ava';
import { exitOnOutputError } from '../../../../engine/terminal/output.ts';
import { FakeOutput } from '../cli/support.ts';

/** The exit codes and the message after an output fails with this error. */
function failWith(code: string, stream: 'stdout' | 'stderr' = 'stdout') {
  const exits: (number | undefined)[] = [];
  const stdout = new EventEmitter();
  const output = new FakeOutput();
  const stderr = Object.assign(new EventEmitter(), { write: (text: string) => output.write(text) });
  exitOnOutputError('measure', { stdout, stderr, exit: (exitCode) => void exits.push(exitCode) });
  const error = Object.assign(new Error(code), { code });
  (stream === 'stdout' ? stdout : stderr).emit('error', error);
  return { exits, err: output.text };
}

test('a closed pipe ends the process without a message or an exit code of its own', (t) => {
  t.deepEqual(failWith('EPIPE'), { exits: [undefined], err: '' });
});

test('errors of standard error change neither the exit code nor end the process', (t) => {
  for (const code of ['EPIPE', 'ENOSPC']) t.deepEqual(failWith(code, 'stderr'), { exits: [], err: '' });
});

test('any other error of standard output is one line and exit code 1', (t) => {
  t.deepEqual(failWith('ENOSPC'), {
    exits: [1],
    err: 'measure: cannot write to standard output (ENOSPC)\n',
  });
});
