import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { GroupRun, isForkedRank } from '../support/groups/groups.ts';
import { shardedDense } from '../support/groups/sharded-models.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH } from '../support/processes/processes.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

/** How long the processes of a failed group may take to end. */
const WITHIN_MS = 5000;

/**
 * Served one after the other, each with a line when it is done: the second is a long prefill, the others
 * decode.
 */
const REQUESTS = [
  { ids: [1], maxTokens: 1 },
  { ids: Array(240).fill(2), maxTokens: 1 },
  { ids: [3], maxTokens: 240 },
  { ids: [4], maxTokens: 240 },
];

/** Number of lines printed when a phase begins, and about how long it lasts, in ms. */
const PHASES = {
  start: { lines: 0, ms: 100 },
  load: { lines: 0, ms: 500 },
  prefill: { lines: 1, ms: 50 },
  decode: { lines: 2, ms: 100 },
  shutdown: { lines: 4, ms: 5 },
};

/** Starts a command of two ranks; resolves when rank 1 has been started. */
async function start(t: ExecutionContext, dir: string): Promise<{ run: GroupRun; rank: number }> {
  const requests = join(temporaryFolder(t), 'requests.jsonl');
  writeFileSync(requests, REQUESTS.map((request) => JSON.stringify(request)).join('\n'));
  const args = [
    '--model',
    dir,
    '--requests',
    requests,
    '--ignore-eos',
    '--json',
    '--threads',
    '1',
    '--tp',
    '2',
  ];
  const slowly = ['--max-batch', '1', '--prefill-chunk', '1'];
  const command = [CLI_PATH, 'generate', ...args, ...slowly];
  const run = new GroupRun(process.execPath, command, temporaryFolder(t));
  t.teardown(() => run.killAll());
  let rank: number | undefined;
  while (!rank) {
    await sleep(10);
    rank = (await run.survivors(0)).find(isForkedRank);
  }
  return { run, rank };
}

const linesOf = ({ lines }: GroupRun) => lines.filter((line) => line.startsWith('{'));

for (const victim of ['rank 1', 'the launcher']) {
  test.serial(
    `killing ${victim} in any phase ends the command, names the rank and leaves no process or file`,
    async (t) => {
      const dir = modelDirectory(t, shardedDense());
      const share = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { seed: 20261122, numRuns: 5 });
      let failed = 0;
      for (const [i, [phase, { lines, ms }]] of Object.entries(PHASES).entries()) {
        const { run, rank } = await start(t, dir);
        while (linesOf(run).length < lines) await sleep(1);
        await sleep(ms * share[i]);
        const pid = victim === 'rank 1' ? rank : run.pid;
        // It may have ended already, which is no error.
        if ((await run.survivors(0)).includes(pid)) process.kill(pid, 'SIGKILL');
        const { exitCode, signal } = await run.end();
        const done = linesOf(run).length;
        t.deepEqual(await run.survivors(WITHIN_MS), [], phase);
        t.deepEqual(readdirSync(run.folder), [], phase);
        t.log(`${phase}: ${done} of ${REQUESTS.length} requests done, exit code ${exitCode}, ${signal}`);
        if (exitCode === 0) {
          t.is(done, REQUESTS.length, phase);
          continue;
        }
        failed++;
        t.deepEqual([exitCode, signal], victim === 'rank 1' ? [1, null] : [null, 'SIGKILL'], phase);
        if (victim === 'rank 1') t.regex(run.log, /^plumbline: Rank 1 was killed by SIGKILL/m, phase);
      }
      t.true(failed >= 3, `${failed} runs were killed before they were done`);
    },
  );
}
