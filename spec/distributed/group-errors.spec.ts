import test from 'ava';
import { failed, TIMEOUT_MS } from '../support/groups/group-failures.ts';
import type { Scenario } from '../support/groups/group-scenarios.ts';
import { startGroup } from '../support/groups/groups.ts';

const reasons: [Scenario, number[], RegExp][] = [
  [
    { name: 'throws', rank: 1 },
    [0, 2],
    /^GroupError: Rank 1 failed: Error: no space left on device|^Rank 1 failed: Error: no space/,
  ],
  [
    { name: 'throws', rank: 0 },
    [1, 2],
    /Rank 0, which launched the group, has ended|Rank 0 has left the group/,
  ],
  [{ name: 'exits', rank: 2, exitCode: 7 }, [0, 1], /Rank 2 ended with exit code 7/],
  // Of a program that ends as if all were well.
  [{ name: 'exits', rank: 1, exitCode: 0 }, [0, 2], /Rank 1 ended with exit code 0/],
  [{ name: 'busy', rank: 1 }, [0, 2], /Rank 1 has not come for \d\.\d s/],
  [{ name: 'leaves', rank: 1 }, [0, 2], /Rank 1 has left the group while rank \d waits for it/],
  [{ name: 'aborts', rank: 2 }, [0, 1, 2], /Rank 2 gave up: enough is enough/],
  [{ name: 'disagrees', rank: 1 }, [0, 1, 2], /The ranks disagree on config: rank 1 against the others/],
  [
    { name: 'mismatch', rank: 2 },
    [0, 1],
    /Rank \d sent 0 bytes of (allGather where rank \d expected 0 bytes of barrier|barrier where rank 2 expected 0 bytes of allGather)/,
  ],
  [
    { name: 'lengths', rank: 2 },
    [0, 1],
    /Rank \d sent (4|8) bytes of allGather where rank \d expected (8|4) bytes/,
  ],
  [{ name: 'flood', rank: 2 }, [0, 1], /Rank 2 has not come for \d\.\d s/],
];

for (const [scenario, reporting, reason] of reasons) {
  const rank = 'rank' in scenario ? scenario.rank : 0;
  test.serial(`the fault "${scenario.name}" of rank ${rank} is reported by every other rank`, async (t) => {
    const run = startGroup(t, 'fork', scenario, { size: 3, timeoutMs: TIMEOUT_MS });
    await failed(t, run, reporting, reason);
  });
}

test.serial('rank 0 names a rank that is killed while the group closes', async (t) => {
  const run = startGroup(t, 'fork', { name: 'linger' }, { size: 3 });
  await run.working(3);
  run.signal(2, 'SIGKILL');
  await failed(t, run, [0], /Rank 2 was killed by SIGKILL/);
});

test.serial('rank 0 kills and names ranks that do not end after the group is closed', async (t) => {
  const run = startGroup(t, 'fork', { name: 'linger' }, { size: 3, timeoutMs: TIMEOUT_MS });
  await failed(t, run, [0], /Waited 1000 ms for ranks 1 and 2 to end after rank 0/);
});

test.serial('an operation may have a longer time limit than the group', async (t) => {
  const run = startGroup(t, 'fork', { name: 'patient', ms: 1500 }, { size: 3, timeoutMs: 500 });
  t.deepEqual(await run.end(), { exitCode: 0, signal: null }, run.log);
});

test.serial('launched ranks ignore SIGINT, which Ctrl-C sends to all processes', async (t) => {
  const run = startGroup(t, 'fork', { name: 'patient', ms: 1000 }, { size: 3 });
  await run.working(3);
  for (const rank of [1, 2]) run.signal(rank, 'SIGINT');
  t.deepEqual(await run.end(), { exitCode: 0, signal: null }, run.log);
});
