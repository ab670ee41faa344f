import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import {
  closing,
  ResourceTracker,
  temporaryFolder,
  trackResources,
} from '../../../support/processes/cleanup.ts';

trackResources(test);

// A tracker moves this process's temporary folder and records all that starts meanwhile, so tests run one
// at a time.
const serial = test.serial;
const IDLE = 'setInterval(() => {}, 1000)';
/** Also of a test that has a time limit of its own. */
const ONE_TIMER = 'timers still set: 1; clear each, or pass `ref: false` if it only limits a wait';

serial('resources that are ended and removed in time are no leak', async (t) => {
  const tracker = new ResourceTracker();
  const child = spawn(process.execPath, ['-e', IDLE]);
  const worker = new Worker(IDLE, { eval: true });
  const path = join(tmpdir(), 'file');
  const fd = openSync(path, 'w');
  const stopped = tracker.stop();
  child.kill();
  void worker.terminate();
  closeSync(fd);
  rmSync(path);
  t.deepEqual(await stopped, []);
  t.false(existsSync(tracker.folder));
});

serial('a child process left running is a leak, and is ended', async (t) => {
  t.timeout(10_000);
  const tracker = new ResourceTracker();
  const child = spawn(process.execPath, ['-e', IDLE]);
  t.teardown(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  t.deepEqual(await tracker.stop({ graceMs: 0 }), [
    `child process ${child.pid} is still running: ${process.execPath} -e ${IDLE}`,
    ONE_TIMER,
  ]);
  t.deepEqual(await exited, [null, 'SIGKILL']);
});

serial('a command that could not be started is no leak', async (t) => {
  const tracker = new ResourceTracker();
  const child = spawn('/there/is/no/such/command');
  await t.throwsAsync(once(child, 'exit'), { code: 'ENOENT' });
  t.throws(() => spawn(process.execPath, ['x'.repeat(2 ** 22)]));
  t.deepEqual(await tracker.stop({ graceMs: 0 }), []);
});

serial('a worker thread left running is a leak, and is ended', async (t) => {
  t.timeout(10_000);
  const tracker = new ResourceTracker();
  const worker = new Worker(IDLE, { eval: true });
  t.teardown(() => worker.terminate());
  const { threadId } = worker;
  const exited = once(worker, 'exit');
  t.deepEqual(await tracker.stop({ graceMs: 0 }), [`worker thread ${threadId} is still running`, ONE_TIMER]);
  t.is((await exited).length, 1);
});

serial('a file left in the temporary folder is a leak, and is removed', async (t) => {
  const tracker = new ResourceTracker();
  const path = join(tmpdir(), 'left.txt');
  writeFileSync(path, 'x');
  t.deepEqual(await tracker.stop({ graceMs: 0 }), [`file is still there: ${path}`]);
  t.false(existsSync(path));
});

// Only Linux lists the descriptors of a process.
if (process.platform === 'linux') {
  serial('a file descriptor left open into the temporary folder is a leak', async (t) => {
    const tracker = new ResourceTracker();
    const path = join(tmpdir(), 'open.txt');
    const fd = openSync(path, 'w');
    t.teardown(() => closeSync(fd));
    const leaks = await tracker.stop({ graceMs: 0 });
    t.deepEqual(leaks, [`file descriptor ${fd} is still open: ${path}`, `file is still there: ${path}`]);
  });
}

serial('a timer, a server or a connection that keeps the process alive is a leak', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(connection, 'connect')]);
  const [timer, limit] = [setTimeout(() => {}, 60_000), setTimeout(() => {}, 60_000).unref()];
  t.teardown(() => clearTimeout(limit));
  const leaks = await new ResourceTracker().stop({ graceMs: 0 });
  clearTimeout(timer);
  connection.destroy();
  accepted.destroy();
  server.close();
  t.deepEqual(leaks, [ONE_TIMER, 'servers still listening: 1', 'connections still open: 2']);
  t.deepEqual(await new ResourceTracker().stop(), []);
});

serial('stopping a tracker restores the temporary folder', async (t) => {
  const before = tmpdir();
  const tracker = new ResourceTracker();
  t.is(tmpdir(), tracker.folder);
  await tracker.stop();
  t.is(tmpdir(), before);
});

serial(
  'temporary folders are removed and resources closed when their test ends, also if it fails',
  async (t) => {
    let folder = '';
    let closed = 0;
    const attempt = await t.try((tt) => {
      folder = temporaryFolder(tt);
      writeFileSync(join(folder, 'file'), 'x');
      const resource = closing(tt, { close: async () => void closed++ });
      tt.is(typeof resource.close, 'function');
      tt.is(closed, 0);
      throw new Error('the test fails');
    });
    attempt.discard();
    t.false(attempt.passed);
    t.false(existsSync(folder));
    t.is(closed, 1);
  },
);

serial(
  'AVA fails each file whose tests leak, names the leaks, and passes a file that does not leak',
  async (t) => {
    const project = temporaryFolder(t);
    symlinkSync(
      fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
      join(project, 'node_modules'),
    );
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    const bodies = {
      child: `spawn(process.execPath, ['-e', '${IDLE}']);`,
      worker: `new Worker('${IDLE}', { eval: true }).unref();`,
      file: `writeFileSync(join(tmpdir(), 'left.txt'), 'x');`,
      timer: `setTimeout(() => {}, 1000);`,
      descriptor: `openSync(join(temporaryFolder(t), 'open.txt'), 'w');`,
      clean: `writeFileSync(join(temporaryFolder(t), 'a.txt'), 'x');`,
    };
    const cleanup = new URL('../../../support/processes/cleanup.ts', import.meta.url).href;
    // The folder of a file that crashes would be left in this file's folder, and fail it.
    writeFileSync(
      join(project, 'crash.test.js'),
      `import test from 'ava'; import { trackResources } from '${cleanup}'; trackResources(test); throw new Error();`,
    );
    for (const [name, body] of Object.entries(bodies)) {
      writeFileSync(
        join(project, `${name}.test.js`),
        `import { spawn } from 'node:child_process';
       import { openSync, writeFileSync } from 'node:fs';
       import { tmpdir } from 'node:os';
       import { join } from 'node:path';
       import { Worker } from 'node:worker_threads';
       import test from 'ava';
       import { temporaryFolder, trackResources } from '${cleanup}';
       trackResources(test, { graceMs: 200 });
       test('passes', (t) => { ${body} t.pass(); });`,
      );
    }
    const ava = fileURLToPath(new URL('../../../../node_modules/ava/entrypoints/cli.js', import.meta.url));
    const run = promisify(execFile)(process.execPath, [ava, '--tap', '*.test.js'], { cwd: project });
    const { stdout, code } = await t.throwsAsync<Error & { stdout: string; code: number }>(run);
    t.is(code, 1, stdout);
    const failed = [...stdout.matchAll(/^not ok \d+ - (\w+) › the tests leave nothing behind/gm)].map(
      ([, file]) => file,
    );
    t.deepEqual(
      failed.sort(),
      ['child', ...(process.platform === 'linux' ? ['descriptor'] : []), 'file', 'timer', 'worker'],
      stdout,
    );
    for (const leak of ['child process', 'worker thread', 'left.txt', 'open.txt', 'timers still set'])
      t.true(stdout.includes(leak));
  },
);
