import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { shardedDense } from '../support/groups/sharded-models.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH } from '../support/processes/processes.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

/** How a command has ended, and what it has printed on standard error. */
interface Outcome {
  exitCode: number | null;
  stderr: string;
}

/** Runs Node under a limit, as `ulimit -n 30` sets it. */
async function underLimit(t: ExecutionContext, limit: string, args: readonly string[]): Promise<Outcome> {
  const script = `ulimit -c 0 && ${limit} && exec "$0" "$@"`;
  const stdio = ['ignore', 'ignore', 'pipe'] as const;
  const child = spawn('sh', ['-c', script, process.execPath, ...args], { stdio: [...stdio] });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const stderr = await text(child.stderr!);
  const [exitCode] = await ended;
  return { exitCode, stderr };
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
  const ids = join(temporaryFolder(t), 'ids.json');
  writeFileSync(ids, '[[1, 2, 3]]');
  const model = modelDirectory(t, shardedDense());
  const generate = [CLI_PATH, 'generate', '--model', model, '--ids', ids, '--max-tokens', '2'];
  const fewest = await fewestOfNode(t, temporaryFolder(t));
  for (const tp of [1, 2]) {
    let succeeded = 0;
    let failed = 0;
    for (let n = fewest; succeeded < 2; n++) {
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
