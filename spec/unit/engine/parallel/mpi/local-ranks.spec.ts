import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { findNeighbours, killNeighbours } from '../../../../../engine/parallel/mpi/local-ranks.ts';
import type { ProcessGroup } from '../../../../../engine/parallel/process-group.ts';

/** A group of three, of which rank 0 is this process; the others say what `edit` makes of it. */
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

test('ranks of the same place are known by their process ids', (t) => {
  const group = groupOf((values, rank) => {
    values[0] = 1000 + rank;
  });
  t.deepEqual(
    [...findNeighbours(group)],
    [
      [1, 1001],
      [2, 1002],
    ],
  );
});

test('a rank of another machine, or of another space of process ids, is no neighbour', (t) => {
  const group = groupOf((values, rank) => {
    values[0] = 1000 + rank;
    if (rank === 1) values[4]++;
  });
  t.deepEqual([...findNeighbours(group)], [[2, 1002]]);
});

test('ranks of this machine are killed, others not, and one that has ended is none', async (t) => {
  const [late, well] = [0, 1].map(() => spawn('sleep', ['60']));
  t.teardown(() => well.kill('SIGKILL'));
  const gone = spawn('true');
  await once(gone, 'exit');
  const neighbours = new Map([late, well, gone].map((child, rank) => [rank, child.pid ?? 0]));
  killNeighbours(neighbours, [2, 0, 3]);
  t.deepEqual(await once(late, 'exit'), [null, 'SIGKILL']);
  t.is(well.signalCode, null);
});
