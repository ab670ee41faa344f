import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporary } from '../../../../engine/terminal/temporary.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('a temporary folder is removed with its files, and leaves no listener', (t) => {
  const listeners = process.listenerCount('exit');
  const { path, remove } = temporary(join(temporaryFolder(t), 'folder'));
  mkdirSync(path);
  writeFileSync(join(path, 'file'), '');
  t.is(process.listenerCount('exit'), listeners + 1);
  remove();
  t.false(existsSync(path));
  t.is(process.listenerCount('exit'), listeners);
});

test('removing a missing or removed path does nothing', (t) => {
  const { remove } = temporary(join(temporaryFolder(t), 'never-made'));
  t.notThrows(remove);
  t.notThrows(remove);
});

test('the path is removed when the process exits', (t) => {
  const { path } = temporary(join(temporaryFolder(t), 'file'));
  writeFileSync(path, '');
  const [remove] = process.listeners('exit').slice(-1);
  remove.call(process, 0);
  t.false(existsSync(path));
});
