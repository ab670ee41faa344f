import { EventEmitter } from 'node:events';
import test from 'ava';
import { exitOnOutputError } from '../../../../engine/terminal/output.ts';
import { FakeOutput } from '../cli/support.ts';

/** The exit codes and the message after standard output fails with this error. */
function failWith(code: string) {
  const exits: (number | undefined)[] = [];
  const stdout = new EventEmitter();
  const stderr = new FakeOutput();
  exitOnOutputError('measure', { stdout, stderr, exit: (exitCode) => void exits.push(exitCode) });
  stdout.emit('error', Object.assign(new Error(code), { code }));
  return { exits, err: stderr.text };
}

test('a closed pipe ends the process without a message or an exit code of its own', (t) => {
  t.deepEqual(failWith('EPIPE'), { exits: [undefined], err: '' });
});

test('any other error of standard output is one line and exit code 1', (t) => {
  t.deepEqual(failWith('ENOSPC'), {
    exits: [1],
    err: 'measure: cannot write to standard output (ENOSPC)\n',
  });
});
