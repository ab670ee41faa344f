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

/** Distinguishes the ranks of this file from those of others: they inherit the variable. */
const mark = randomUUID();
process.env[MARK] = mark;

test(`${KILLS} groups whose rank 1 is killed at a random time name it and leave no process behind`, async (t) => {
  const moments = fc.sample(fc.record({ ms: fc.nat({ max: 120 }), started: fc.boolean() }), {
    seed: 20261122,
    numRuns: KILLS,
  });
  for (const { ms, started } of moments) {
    const start = launch(2, ENTRY, { argument: { name: 'endless' } });
    const killing = killSoon(ms, started ? start : undefined);
    const error = await t.throwsAsync(runCollectives(start), { instanceOf: GroupError });
    await killing;
    t.regex(
      error?.message ?? '',
      started ? /^Rank 1 was killed by SIGKILL$/ : /^Rank 1 was killed by SIGKILL/,
    );
    t.deepEqual(error?.ranks, [1]);
    t.deepEqual(markedProcesses(mark), []);
  }
});

/** Kills rank 1 after `ms`, counted from when the group has started if `started` is given. */
async function killSoon(ms: number, started: Promise<unknown> | undefined): Promise<void> {
  await started;
  await sleep(ms);
  let pid = markedProcesses(mark).find(isForkedRank);
  for (; pid === undefined; pid = markedProcesses(mark).find(isForkedRank)) await sleep(1);
  process.kill(pid, 'SIGKILL');
}

/** Runs collectives until the group fails. */
async function runCollectives(start: Promise<ProcessGroup>): Promise<void> {
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
