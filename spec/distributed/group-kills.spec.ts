import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { GroupError } from '../../engine/errors.ts';
import { launch } from '../../engine/parallel/fork/launch.ts';
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
  const moments = fc.sample(fc.nat({ max: 250 }), { seed: 20261122, numRuns: KILLS });
  let whileStarting = 0;
  for (const ms of moments) {
    let killed = -1;
    const kill = async () => {
      await sleep(ms);
      while (killed < 0) {
        const [pid] = children();
        if (pid) process.kill(pid, 'SIGKILL');
        killed = pid ?? -1;
        await sleep(1);
      }
    };
    const killing = kill();
    const error = await t.throwsAsync(computeTogether, { instanceOf: GroupError });
    await killing;
    t.regex(error?.message ?? '', /^Rank 1 was killed by SIGKILL/);
    if (/while the group started/.test(error?.message ?? '')) whileStarting++;
    t.deepEqual(error?.ranks, [1]);
    t.deepEqual(children(), []);
  }
  t.log(`${whileStarting} of ${KILLS} while the group started`);
});

/** Never ends by itself. */
async function computeTogether(): Promise<void> {
  const group = await launch(2, ENTRY, { argument: { name: 'endless' } });
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
