import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type LockOptions, withLock } from '../../../../engine/hub/lock.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

/** Path of a lock file in a folder that does not exist. */
const lockPath = (t: ExecutionContext) => join(temporaryFolder(t), 'locks', 'blob.lock');

/** Starts another program that holds a lock until it is killed, as huggingface_hub holds it. */
async function holder(t: ExecutionContext, path: string) {
  const child = spawn('flock', [path, 'sh', '-c', 'echo locked; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const release = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL');
    }
  };
  t.teardown(release);
  await once(child.stdout, 'data');
  return release;
}

/** Takes a lock and records events. */
function taking(path: string, options: LockOptions = {}) {
  const events: string[] = [];
  const done = withLock(
    path,
    async (isLocked) => {
      events.push(isLocked ? 'locked' : 'no lock');
    },
    { onWait: () => events.push('waits'), ...options },
  );
  return { events, done };
}

test('a free lock is taken without waiting', async (t) => {
  const { events, done } = taking(lockPath(t));
  await done;
  t.deepEqual(events, ['locked']);
});

test("withLock returns the task's result, keeps the lock file and releases the lock", async (t) => {
  const path = lockPath(t);
  t.deepEqual(await withLock(path, async (isLocked) => [isLocked]), [true]);
  t.true(existsSync(path));
  const { events, done } = taking(path);
  await done;
  // It may have to wait: AVA's other threads start processes, which have a copy of the locked file from fork
  // to exec.
  t.is(events.at(-1), 'locked');
});

test('tasks under one lock run one after the other, also in one process', async (t) => {
  const path = lockPath(t);
  let running = 0;
  const most: number[] = [];
  const task = async () => {
    most.push(++running);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running--;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, task)));
  t.deepEqual(most, [1, 1, 1]);
});

test('withLock waits for another program, and gets the lock when that is killed', async (t) => {
  const path = lockPath(t);
  await withLock(path, async () => {});
  const kill = await holder(t, path);
  const { events, done } = taking(path);
  while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.deepEqual(events, ['waits']);
  kill();
  await done;
  t.deepEqual(events, ['waits', 'locked']);
});

test('the signal ends the wait for a lock with its reason', async (t) => {
  const path = lockPath(t);
  const controller = new AbortController();
  const reason = new RangeError('enough');
  await withLock(path, async () => {
    const { events, done } = taking(path, {
      signal: controller.signal,
      onWait: () => setTimeout(() => controller.abort(reason), 20),
    });
    t.is(await t.throwsAsync(done), reason);
    t.deepEqual(events, []);
  });
  t.is(await t.throwsAsync(taking(path, { signal: controller.signal }).done), reason);
});

test('a lock on a file that its holder has removed does not count', async (t) => {
  const path = lockPath(t);
  const late = await withLock(path, async () => {
    const waiting = taking(path);
    while (waiting.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    rmSync(path);
    return waiting;
  });
  await late.done;
  t.deepEqual(late.events, ['waits', 'locked']);
  t.true(existsSync(path), 'the new file is locked');
});

test('a lock on a file in whose place another stands now does not count', async (t) => {
  const path = lockPath(t);
  // 1 where another program holds the lock.
  const tried: (number | null)[] = [];
  const late = await withLock(path, async () => {
    const events: string[] = [];
    const done = withLock(path, async () => tried.push(spawnSync('flock', ['-n', path, 'true']).status), {
      onWait: () => events.push('waits'),
    });
    while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    rmSync(path);
    writeFileSync(path, '');
    return { done };
  });
  await late.done;
  t.deepEqual(tried, [1]);
});

test('without the flock command the task runs and is passed false', async (t) => {
  const { events, done } = taking(lockPath(t), { command: 'no-such-command' });
  await done;
  t.deepEqual(events, ['no lock']);
});

test('a flock command that a signal ends is run again, so that the lock is held', async (t) => {
  const folder = temporaryFolder(t);
  const [command, was] = [join(folder, 'flock'), join(folder, 'was')];
  const script = `#!/bin/sh\n[ -e "${was}" ] || { : > "${was}"; kill -KILL $$; }\nexec flock "$@"\n`;
  writeFileSync(command, script, { mode: 0o755 });
  const { events, done } = taking(lockPath(t), { command });
  await done;
  t.deepEqual(events, ['locked']);
});

test('errors of the file system and of the task pass through', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), '');
  await t.throwsAsync(taking(join(folder, 'file', 'blob.lock')).done, { code: 'EEXIST' });
  await t.throwsAsync(taking(folder).done, { code: 'EISDIR' });
  const failure = new Error('failed');
  const failing = withLock(lockPath(t), () => Promise.reject(failure));
  t.is(await t.throwsAsync(failing), failure);
});
