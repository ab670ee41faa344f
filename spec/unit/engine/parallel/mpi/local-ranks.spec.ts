import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { findLocalRanks, killLocalRanks } from '../../../../../engine/parallel/mpi/local-ranks.ts';
import type { ProcessGroup } from '../../../../../engine/parallel/process-group.ts';

/**
 * A group of three whose rank 0 is this process; the others send this process's values, changed by `edit`.
 */
function groupOf(edit: (values: Int32Array, rank: number) => void): ProcessGroup {
  const group: Pick<ProcessGroup, 'rank' | 'size' | 'allGather'> = {
    rank: 0,
    size: 3,
    allGather(mine, all) {
      for (let rank = 0; rank < 3; rank++) {
        const values = Int32Array.from(mine);
        if (rank > 0) edit(values, rank);
        all.set(values, rank * mine.length);
      }
    },
  };
  return group as ProcessGroup;
}

test('local ranks are found with their process ids', (t) => {
  const group = groupOf((values, rank) => {
    values[0] = 1000 + rank;
  });
  t.deepEqual(
    [...findLocalRanks(group)],
    [
      [1, 1001],
      [2, 1002],
    ],
  );
});

test('a rank tells the others its own process id', (t) => {
  t.deepEqual(
    [...findLocalRanks(groupOf(() => {}))],
    [
      [1, process.pid],
      [2, process.pid],
    ],
  );
});

test('a rank of another machine or PID namespace is not local', (t) => {
  const group = groupOf((values, rank) => {
    values[0] = 1000 + rank;
    if (rank === 1) values[4]++;
  });
  t.deepEqual([...findLocalRanks(group)], [[2, 1002]]);
});

test('killing local ranks kills the given ones only, and ignores those that have ended', async (t) => {
  const [late, well] = [0, 1].map(() => spawn('sleep', ['60']));
  t.teardown(() => well.kill('SIGKILL'));
  const exited = spawn('true');
  await once(exited, 'exit');
  const localRanks = new Map([late, well, exited].map((child, rank) => [rank, child.pid ?? 0]));
  killLocalRanks(localRanks, [2, 0, 3]);
  t.deepEqual(await once(late, 'exit'), [null, 'SIGKILL']);
  t.is(well.signalCode, null);
});
