import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { GroupError } from '../../engine/errors.ts';
import { launch } from '../../engine/parallel/fork/launch.ts';
import type { ProcessGroup } from '../../engine/parallel/process-group.ts';
import { isForkedRank, MARK, markedProcesses } from '../support/groups/groups.ts';
import { trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const KILLS = 50;
const ENTRY = new URL('../support/groups/group-scenarios.ts', import.meta.url);

/** Other test files start groups in this process as well; the environment of this thread is its own. */
const mark = randomUUID();
process.env[MARK] = mark;

test(`${KILLS} ranks that are killed at any time, one after the other, are named and leave nothing behind`, async (t) => {
  const moments = fc.sample(fc.record({ ms: fc.nat({ max: 120 }), started: fc.boolean() }), {
    seed: 20261122,
    numRuns: KILLS,
  });
  for (const { ms, started } of moments) {
    const start = launch(2, ENTRY, { argument: { name: 'endless' } });
    const killing = killSoon(ms, started ? start : undefined);
    const error = await t.throwsAsync(computeTogether(start), { instanceOf: GroupError });
    await killing;
    t.regex(
      error?.message ?? '',
      started ? /^Rank 1 was killed by SIGKILL$/ : /^Rank 1 was killed by SIGKILL/,
    );
    t.deepEqual(error?.ranks, [1]);
    t.deepEqual(markedProcesses(mark), []);
  }
});

/** Kills the other rank, after a while, or when it has come, if that is later. */
async function killSoon(ms: number, started: Promise<unknown> | undefined): Promise<void> {
  await started;
  await sleep(ms);
  let pid = markedProcesses(mark).find(isForkedRank);
  for (; pid === undefined; pid = markedProcesses(mark).find(isForkedRank)) await sleep(1);
  process.kill(pid, 'SIGKILL');
}

/** Never ends by itself. */
async function computeTogether(start: Promise<ProcessGroup>): Promise<void> {
  const group = await start;
  try {
    group.barrier();
    const values = new Float32Array(20_000);
    const all = new Float32Array(group.size * values.length);
    for (;;) {
      for (let i = 0; i < 20; i++) group.allGather(values, all);
      await sleep(0);
    }
  } finally {
    await group.close();
  }
}
