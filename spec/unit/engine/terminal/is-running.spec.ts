import { spawnSync } from 'node:child_process';
import test from 'ava';
import { isRunning } from '../../../../engine/terminal/is-running.ts';

test('this process runs, one that has ended does not', (t) => {
  t.true(isRunning(process.pid));
  t.false(isRunning(spawnSync('true').pid));
});
