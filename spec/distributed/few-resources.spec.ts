import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { shardedDense } from '../support/groups/sharded-models.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH } from '../support/processes/processes.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

/** How a command has ended, and what it has printed. */
interface Outcome {
  exitCode: number | null;
  stderr: string;
  /** Standard output and standard error. */
  output: string;
}

/** Runs Node under a limit, as `ulimit -n 30` sets it. */
async function underLimit(
  t: ExecutionContext,
  limit: string,
  args: readonly string[],
  asUser: readonly string[] = [],
): Promise<Outcome> {
  const script = `ulimit -c 0 && ${limit} && exec "$@"`;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const argv = ['-c', script, 'sh', ...asUser, process.execPath, ...args];
  const child = spawn('sh', argv, { stdio: [...stdio] });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = await ended;
  return { exitCode, stderr, output: stdout + stderr };
}

function generateArgs(t: ExecutionContext): string[] {
  const ids = join(temporaryFolder(t), 'ids.json');
  writeFileSync(ids, '[[1, 2, 3]]');
  const model = modelDirectory(t, shardedDense());
  // Another user may read them.
  for (let path = model; dirname(path) !== path && path !== '/tmp'; path = dirname(path))
    chmodSync(path, 0o755);
  chmodSync(dirname(ids), 0o755);
  return [CLI_PATH, 'generate', '--model', model, '--ids', ids, '--max-tokens', '2'];
}

/** The fewest descriptors with which Node runs an empty module. */
async function fewestOfNode(t: ExecutionContext, folder: string): Promise<number> {
  const empty = join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  for (let n = 10; n < 60; n++) {
    if ((await underLimit(t, `ulimit -n ${n}`, [empty])).exitCode === 0) return n;
  }
  throw new Error('Node runs no empty module with 60 descriptors');
}

test.serial('wherever descriptors run out, the command says which limit to raise', async (t) => {
  const generate = generateArgs(t);
  const fewest = await fewestOfNode(t, temporaryFolder(t));
  for (const tp of [1, 2]) {
    let succeeded = 0;
    let failed = 0;
    // Two ranks need twenty more: every third limit is a sample of them.
    for (let n = fewest; succeeded < 2; n += tp === 1 ? 1 : 3) {
      const { exitCode, stderr } = await underLimit(t, `ulimit -n ${n}`, [...generate, '--tp', String(tp)]);
      const where = `--tp ${tp}, ulimit -n ${n}: exit code ${exitCode}\n${stderr}`;
      if (exitCode === 0) succeeded++;
      else {
        failed++;
        t.is(exitCode, 1, where);
        t.regex(
          stderr,
          /^plumbline: (?!unexpected ).*: this process may open no more files; .*ulimit -n/m,
          where,
        );
        t.notRegex(stderr, /^ {4}at /m, where);
      }
      t.true(failed < 40, where);
    }
    t.true(failed > 0, 'no limit was too low');
  }
});

test.serial('the judge with too few descriptors to start a program says which limit to raise', async (t) => {
  const verify = fileURLToPath(new URL('../../verify/cli.ts', import.meta.url));
  const model = modelDirectory(t, shardedDense());
  const args = [verify, 'smoke', '--model', model, '--command', 'false'];
  const fewest = await fewestOfNode(t, temporaryFolder(t));
  let numShort = 0;
  for (let n = fewest; n < fewest + 10; n += 2) {
    const { exitCode, output } = await underLimit(t, `ulimit -n ${n}`, args);
    const where = `ulimit -n ${n}: exit code ${exitCode}\n${output}`;
    t.notRegex(output, /^ {4}at |^Node\.js v|unexpected/m, where);
    if (output.includes('ulimit -n')) numShort++;
  }
  t.true(numShort >= 2, 'no limit was too low');
});

/** Threads of users are counted together, so that each process that runs at once needs one of its own. */
const FIRST_USER = 64_300;

test.serial('wherever threads run out, the launcher says which limit to raise', async (t) => {
  const generate = generateArgs(t);
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o777);
  const as = (user: number) => [
    ...['setpriv', '--reuid', String(user), '--clear-groups'],
    ...['env', `TMPDIR=${folder}`],
  ];
  const { exitCode } = await underLimit(t, 'true', generate, as(FIRST_USER));
  if (exitCode !== 0) {
    t.log('only root can run a command as a user without processes, who can read the repository');
    return t.pass();
  }
  let numFailed = 0;
  const attempt = async (most: number) => {
    // The ulimit of dash has no -u.
    const [limit, user] = [`--nproc=${most}`, [...as(FIRST_USER + most), 'prlimit', `--nproc=${most}`]];
    // Node itself aborts without its own threads, of which a file that is read needs four.
    if ((await underLimit(t, 'true', generate, user)).exitCode !== 0) return;
    const { exitCode, stderr } = await underLimit(t, 'true', [...generate, '--tp', '2'], user);
    if (exitCode === 0) return;
    numFailed++;
    t.is(exitCode, 1, `${limit}: ${stderr}`);
    t.regex(stderr, /^plumbline: .*ulimit -u/m, `${limit}: ${stderr}`);
  };
  // All at once: where Node waits for threads for ever, the launcher waits for 10 s.
  await Promise.all([12, 14, 16, 18].map(attempt));
  t.true(numFailed > 0, 'no limit was too low');
});

test.serial('too little address space for a thread is an error and no abort of V8', async (t) => {
  const outcome = await underLimit(t, 'ulimit -v 2000000', [...generateArgs(t), '--tp', '2']);
  t.is(outcome.exitCode, 1, outcome.stderr);
  t.regex(outcome.stderr, /^plumbline: the thread that supervises 2 ranks has failed: .*ulimit -v$/m);
});

test.serial('a rank that ends for want of something is reported with it', async (t) => {
  // As a rank does where V8 gets no address space; the launcher has more.
  const abort =
    "if (process.argv[1]?.endsWith('rank.ts') && isMainThread) { console.error('# Fatal process out of memory'); process.abort(); }";
  const preload = join(temporaryFolder(t), 'abort.mjs');
  writeFileSync(preload, `import { isMainThread } from 'node:worker_threads';\n${abort}`);
  const outcome = await underLimit(t, 'true', [`--import=${preload}`, ...generateArgs(t), '--tp', '2']);
  t.is(outcome.exitCode, 1, outcome.stderr);
  t.regex(
    outcome.stderr,
    /^plumbline: Rank 1 was killed by SIGABRT \(there is too little memory; .*ulimit -v\) while the group started$/m,
  );
});
