import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { GroupError } from '../../engine/errors.ts';
import { launch } from '../../engine/parallel/fork/launch.ts';
import type { ProcessGroup } from '../../engine/parallel/process-group.ts';
import { trackResources } from '../support/cleanup.ts';

trackResources(test);

const KILLS = 50;
const ENTRY = new URL('../support/group-scenarios.ts', import.meta.url);

/** Ids of the processes whose parent is this one: the ranks that are there, or what is left of them. */
function children(): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      const [command, rest] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(/\) /);
      const parent = Number(rest.split(' ')[1]);
      return parent === process.pid && command.length > 0 && isRank(pid);
    } catch {
      return false;
    }
  });
}

const isRank = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/engine/parallel/fork/rank.ts');

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
    t.deepEqual(children(), []);
  }
});

/** Kills the rank that is a child of this process, after a while, or when it has come, if that is later. */
async function killSoon(ms: number, started: Promise<unknown> | undefined): Promise<void> {
  await started;
  await sleep(ms);
  let [pid] = children();
  for (; pid === undefined; [pid] = children()) await sleep(1);
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
