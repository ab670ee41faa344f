import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';
import { isStopped } from '../../../../engine/terminal/is-stopped.ts';

test('a process is stopped from SIGSTOP to SIGCONT', async (t) => {
  if (!existsSync('/proc/self/stat')) return t.pass('this system has no /proc');
  t.false(isStopped(process.pid));
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  const pid = child.pid as number;
  /** A signal takes effect when the process is next scheduled. */
  const becomes = async (stopped: boolean) => {
    while (isStopped(pid) !== stopped) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  child.kill('SIGSTOP');
  await becomes(true);
  child.kill('SIGCONT');
  await becomes(false);
  t.pass();
});

test('a process that does not exist is not stopped', (t) => {
  t.false(isStopped(2 ** 30));
});
