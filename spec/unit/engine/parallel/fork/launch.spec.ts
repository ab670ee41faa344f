import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { type LaunchOptions, launch } from '../../../../../engine/parallel/fork/launch.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

/** Launches ranks, two by default; all but rank 0 run a module with this text. */
function launchRanks(t: ExecutionContext, text: string, options?: LaunchOptions, size = 2) {
  const entry = join(temporaryFolder(t), 'entry.mjs');
  writeFileSync(entry, text);
  return launch(size, pathToFileURL(entry), options);
}

test('a group has at least one rank', async (t) => {
  for (const size of [0, -1, 1.5]) {
    await t.throwsAsync(launch(size, new URL('file:///no-entry.mjs')), {
      instanceOf: RangeError,
      message: `A group has 1 or more ranks, not ${size}`,
    });
  }
});

test('a group of one rank starts no process', async (t) => {
  const group = await launch(1, new URL('file:///no-entry.mjs'));
  t.is(group.size, 1);
  await group.close();
});

test.serial('a launched rank runs the entry with its argument', async (t) => {
  const text = 'export default (group, { word }) => group.send(Uint8Array.from(Buffer.from(word)), 0);';
  const group = await launchRanks(t, text, { argument: { word: 'héllo' } });
  const received = new Uint8Array(6);
  group.receive(received, 1);
  t.is(Buffer.from(received).toString(), 'héllo');
  await group.close();
  await group.close();
});

test.serial('the launcher closes the FIFOs between other ranks', async (t) => {
  const group = await launchRanks(t, 'export default (group) => group.barrier();', {}, 3);
  group.barrier();
  t.is(group.size, 3);
  await group.close();
});

test.serial('a rank that fails after it has left the group is named when the group closes', async (t) => {
  const text =
    "export default (group) => { group.barrier(); process.on('exit', () => { process.exitCode = 3; }); };";
  const group = await launchRanks(t, text);
  group.barrier();
  await t.throwsAsync(group.close(), {
    instanceOf: GroupError,
    message: /^Rank 1 ended with exit code 3( while the group ended)?$/,
  });
});

test.serial('a group that has ended leaves no listener on this process', async (t) => {
  const before = process.listenerCount('exit');
  const group = await launchRanks(t, 'export default (group) => group.barrier();');
  group.barrier();
  await group.close();
  await t.throwsAsync(launchRanks(t, "throw new Error('no model here');"));
  t.is(process.listenerCount('exit'), before);
});

test.serial('launch fails with the reason if the entry cannot be imported', async (t) => {
  const error = await t.throwsAsync(launchRanks(t, "throw new Error('no model here');"), {
    instanceOf: GroupError,
  });
  t.is(error?.message, 'Rank 1 failed: Error: no model here');
  t.deepEqual(error?.ranks, [1]);
});

test.serial(
  'launch fails if the thread that supervises the ranks ends before it has said anything',
  async (t) => {
    const terminate = (message: unknown) => void (message as { worker: Worker }).worker.terminate();
    subscribe('worker_threads', terminate);
    t.teardown(() => unsubscribe('worker_threads', terminate));
    await t.throwsAsync(launchRanks(t, 'export default () => {};', {}, 3), {
      instanceOf: GroupError,
      message: /^the thread that supervises 3 ranks has failed: it has ended with exit code [01]$/,
    });
  },
);

test.serial('launch names the ranks that do not start in time', async (t) => {
  const text = 'setInterval(() => {}, 1000); await new Promise(() => {});';
  await t.throwsAsync(launchRanks(t, text, { startTimeoutMs: 700 }), {
    instanceOf: GroupError,
    message: 'Waited 700 ms for rank 1 to start',
  });
});

test.serial('launch names a rank that is stopped while it starts within the time limit', async (t) => {
  const text = "process.kill(process.pid, 'SIGSTOP'); await new Promise(() => {});";
  await t.throwsAsync(launchRanks(t, text, { timeoutMs: 600 }), {
    instanceOf: GroupError,
    message: /^Rank 1 has given no sign of life for .* s while the group started$/,
  });
});

test.serial(
  'launch names a rank that is stopped before its first message within the time limit',
  async (t) => {
    if (!existsSync('/proc/self/stat')) return t.pass('this system does not say that a process is stopped');
    const stop = join(temporaryFolder(t), 'stop.mjs');
    writeFileSync(
      stop,
      "import { isMainThread } from 'node:worker_threads';\nif (isMainThread) process.kill(process.pid, 'SIGSTOP');",
    );
    const { NODE_OPTIONS } = process.env;
    process.env.NODE_OPTIONS = `${NODE_OPTIONS ?? ''} --import=${pathToFileURL(stop)}`;
    t.teardown(() => {
      if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = NODE_OPTIONS;
    });
    await t.throwsAsync(launchRanks(t, 'export default () => {};', { timeoutMs: 300 }), {
      instanceOf: GroupError,
      message: /^Rank 1 is stopped, and has given no sign of life for .* s while the group started$/,
    });
  },
);

test.serial(
  'what a rank prints on either stream comes to standard error, more of it than a pipe holds',
  async (t) => {
    const folder = temporaryFolder(t);
    const launchUrl = import.meta.resolve('../../../../../engine/parallel/fork/launch.ts');
    const entry = join(folder, 'entry.mjs');
    writeFileSync(
      entry,
      `export default (group) => {
      for (let i = 0; i < 100; i++) {
        console.log('out ' + i + 'x'.repeat(2000));
        console.error('err ' + i);
      }
      group.barrier();
    };`,
    );
    const script = join(folder, 'launcher.mjs');
    writeFileSync(
      script,
      `const { launch } = await import('${launchUrl}');
    const group = await launch(2, new URL('${pathToFileURL(entry)}'), { timeoutMs: 20_000 });
    group.barrier();
    await group.close();`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    t.teardown(() => child.kill('SIGKILL'));
    const [stdout, stderr] = await Promise.all([readText(child.stdout), readText(child.stderr)]);
    const lines = stderr.trimEnd().split('\n');
    const of = (word: string) => lines.filter((line) => line.startsWith(`[rank 1] ${word} `)).length;
    t.deepEqual([of('out'), of('err'), lines.length, stdout], [100, 100, 200, ''], stderr.slice(0, 500));
  },
);

/**
 * Launches ranks in a process that may open few files, with 0, 2, … descriptors left, and prints what comes
 * of each, and whether descriptors are left open.
 */
const FEW_FILES = `
import { closeSync, openSync, readdirSync } from 'node:fs';
const { launch } = await import(process.argv[2]);
const open = () => readdirSync('/proc/self/fd').length;
const entry = new URL('data:text/javascript,export default (group) => group.barrier()');
// What the first launch leaves open for good, such as the thread pool's, is not counted.
await launch(2, entry).then((group) => (group.barrier(), group.close()));
// Two ranks have too few FIFOs for descriptors to run out while they are opened.
const cases = [...Array.from({ length: 11 }, (_, i) => [2, 2 * i]), [3, 8], [3, 10], [3, 12]];
for (const [size, left] of cases) {
  const before = open();
  const taken = [];
  try { for (;;) taken.push(openSync('/dev/null')); } catch {}
  for (const fd of taken.splice(0, left)) closeSync(fd);
  const outcome = await launch(size, entry).then(
    (group) => (group.barrier(), group.close().then(() => 'launched')),
    (error) => error.name + ': ' + error.message,
  );
  for (const fd of taken) closeSync(fd);
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify({ size, left, outcome, leaked: open() - before }));
}
process.exit(0);
`;

test.serial(
  'launch with too few file descriptors says so, wherever they run out, and leaves none open',
  async (t) => {
    const launchUrl = import.meta.resolve('../../../../../engine/parallel/fork/launch.ts');
    const script = join(temporaryFolder(t), 'few-files.mjs');
    writeFileSync(script, FEW_FILES);
    const argv = ['-c', 'ulimit -n 80 && exec "$0" "$@"', process.execPath, script, launchUrl];
    const child = spawn('sh', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => child.kill('SIGKILL'));
    const outcomes = (await readText(child.stdout))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.is(outcomes.length, 14);
    for (const { size, left, outcome, leaked } of outcomes) {
      const where = `${size} ranks, ${left} left`;
      t.regex(outcome, /^launched$|^GroupError: .*ulimit -n/, where);
      // Node keeps the pipes of a process that it could not start.
      t.true(leaked === 0 || outcome.includes('spawn'), `${where}: ${outcome}; ${leaked} leaked`);
    }
    t.is(outcomes[0].outcome.slice(0, 10), 'GroupError');
    t.is(outcomes[10].outcome, 'launched');
  },
);
