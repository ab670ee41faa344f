import { readdirSync } from 'node:fs';
import test from 'ava';
import { failed, TIMEOUT_MS, WITHIN_MS } from '../support/groups/group-failures.ts';
import type { Scenario } from '../support/groups/group-scenarios.ts';
import { startGroup } from '../support/groups/groups.ts';

test.serial('a rank that is killed in a collective is named by every other', async (t) => {
  const run = startGroup(t, 'fork', { name: 'endless' }, { size: 4 });
  await run.working(4);
  run.signal(2, 'SIGKILL');
  await failed(t, run, [0, 1, 3], /Rank 2 was killed by SIGKILL/);
});

test.serial('a rank that is ended by SIGTERM is named by every other', async (t) => {
  const run = startGroup(t, 'fork', { name: 'endless' }, { size: 3 });
  await run.working(3);
  run.signal(1, 'SIGTERM');
  await failed(t, run, [0, 2], /Rank 1 was killed by SIGTERM/);
});

test.serial('a stopped rank is named by every other', async (t) => {
  const run = startGroup(t, 'fork', { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
  await run.working(3);
  run.signal(2, 'SIGSTOP');
  await failed(t, run, [0, 1], /Rank 2 (has given|gives) no sign of life/);
});

test.serial('a stopped rank fails a wait without a limit', async (t) => {
  const run = startGroup(t, 'fork', { name: 'patient', ms: 60_000 }, { size: 3, timeoutMs: TIMEOUT_MS });
  await run.working(3);
  run.signal(1, 'SIGSTOP');
  // Rank 0 sleeps; it would throw the failure at its next call.
  t.deepEqual(await run.survivors(WITHIN_MS, 1), [run.pid]);
  t.true(await run.prints(2, /Rank 1 has given no sign of life/, WITHIN_MS), run.log);
  run.signal(0, 'SIGKILL');
  await run.end();
});

test.serial('a stopped launcher is named by every other rank', async (t) => {
  const run = startGroup(t, 'fork', { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
  await run.working(3);
  run.signal(0, 'SIGSTOP');
  t.deepEqual(await run.survivors(WITHIN_MS, 1), [run.pid]);
  // The launcher prints the output of the other ranks.
  run.signal(0, 'SIGCONT');
  await failed(t, run, [1, 2], /Rank 0, which launched the group, has given no sign of life/);
});

test.serial('a launcher that does not make the same call is named by every other rank', async (t) => {
  const run = startGroup(t, 'fork', { name: 'busy', rank: 0 }, { size: 3, timeoutMs: TIMEOUT_MS });
  await run.working(3);
  t.deepEqual(await run.survivors(WITHIN_MS, 1), [run.pid]);
  for (const rank of [1, 2]) {
    t.true(await run.prints(rank, /Rank 0 has not come for \d\.\d s/, WITHIN_MS), run.log);
  }
});

for (const scenario of ['endless', 'busy'] as const) {
  test.serial(`killing the launcher ends the other ranks (${scenario})`, async (t) => {
    const run = startGroup(t, 'fork', { name: scenario, rank: 2 } as Scenario, { size: 3 });
    await run.working(3);
    run.signal(0, 'SIGKILL');
    t.deepEqual(await run.survivors(WITHIN_MS), []);
    t.deepEqual(await run.end(), { exitCode: null, signal: 'SIGKILL' });
    t.deepEqual(readdirSync(run.folder), []);
  });
}

test.serial('a launcher that exits early kills its ranks, also a stopped one', async (t) => {
  const run = startGroup(t, 'fork', { name: 'walkout' }, { size: 3 });
  await run.working(3);
  // A rank that is stopped before would be missed by the others.
  t.true(await run.prints(0, /all ranks have come/, WITHIN_MS), run.log);
  run.signal(2, 'SIGSTOP');
  run.signal(0, 'SIGUSR2');
  t.is((await run.end()).exitCode, 3, run.log);
  t.deepEqual(await run.survivors(WITHIN_MS), []);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`${signal} ends the launcher and all ranks`, async (t) => {
    const run = startGroup(t, 'fork', { name: 'endless' }, { size: 3 });
    await run.working(3);
    // As a terminal does, to all processes.
    if (signal === 'SIGINT') for (const rank of [1, 2]) run.signal(rank, signal);
    run.signal(0, signal);
    t.deepEqual(await run.end(), { exitCode: null, signal });
    t.deepEqual(await run.survivors(WITHIN_MS), []);
    t.deepEqual(readdirSync(run.folder), []);
    t.notRegex(run.log, /killed by SIGINT/);
  });
}
