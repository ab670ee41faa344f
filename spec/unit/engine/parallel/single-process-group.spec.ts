import test from 'ava';
import { GroupError } from '../../../../engine/errors.ts';
import { singleProcessGroup } from '../../../../engine/parallel/single-process-group.ts';

test('a single-process group has rank 0 only', async (t) => {
  const group = singleProcessGroup();
  t.is(group.rank, 0);
  t.is(group.size, 1);
  group.barrier();
  group.agree('config', 'anything');
  await group.close();
});

test('a single-process group gathers, sums and exchanges with itself', (t) => {
  const group = singleProcessGroup();
  const values = Float32Array.of(1, 2, 3);
  const all = new Float32Array(3);
  group.allGather(values, all);
  t.deepEqual(all, values);
  group.allReduce(all);
  group.broadcast(all, 0);
  t.deepEqual(all, values);
  const incoming = new Float32Array(3);
  group.allToAll({ outgoing: values, outgoingCounts: [3], incoming, incomingCounts: [3] });
  t.deepEqual(incoming, values);
  t.deepEqual(group.traffic(), { messages: 0, bytesSent: 0 });
});

test('abort of a single-process group throws a GroupError', (t) => {
  const error = t.throws(() => singleProcessGroup().abort('no reason'), { instanceOf: GroupError });
  t.is(error?.message, 'Rank 0 gave up: no reason');
  t.deepEqual(error?.ranks, [0]);
});
