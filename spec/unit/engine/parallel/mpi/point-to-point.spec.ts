import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { PointToPoint } from '../../../../../engine/parallel/mpi/point-to-point.ts';
import { fakeMpi } from '../../../../support/groups/fake-mpi.ts';

const pair = () => {
  const mpi = fakeMpi(2);
  return { mpi, ranks: mpi.map((calls) => new PointToPoint(calls)) };
};

test('a message is pending until it arrives', (t) => {
  const { ranks } = pair();
  const received = new Uint8Array(3);
  const receiving = ranks[1].startReceive('broadcast', received, 0);
  t.is(ranks[1].probe(0), undefined);
  t.is(ranks[1].test(receiving), 'pending');
  const sending = ranks[0].startSend('broadcast', Uint8Array.of(1, 2, 3), 1);
  t.is(ranks[0].test(sending), 'done');
  t.is(ranks[1].probe(0), 'broadcast');
  t.is(ranks[1].test(receiving), 'done');
  t.deepEqual(received, Uint8Array.of(1, 2, 3));
});

for (const [what, kind, bytes, message] of [
  ['another kind', 'agree', 3, /^Rank 0 sent 3 bytes of broadcast where rank 1 expected 3 bytes of agree/],
  ['fewer bytes', 'broadcast', 4, /^Rank 0 sent 3 bytes of broadcast where rank 1 expected 4 bytes of broad/],
  [
    'more bytes',
    'broadcast',
    2,
    /^Rank 0 sent more than the 2 bytes of broadcast that rank 1 expected: every/,
  ],
] as const) {
  test(`a message of ${what} than expected is an error that names the sender`, (t) => {
    const { ranks } = pair();
    ranks[0].startSend('broadcast', new Uint8Array(3), 1);
    const receiving = ranks[1].startReceive(kind, new Uint8Array(bytes), 0);
    const error = t.throws(() => ranks[1].test(receiving), { instanceOf: GroupError, message });
    t.deepEqual(error.ranks, [0]);
  });
}

test('a message whose number is out of order is an error', (t) => {
  const { mpi, ranks } = pair();
  mpi[1].unreachable.add(0);
  t.throws(() => ranks[1].startSend('barrier', new Uint8Array(), 0));
  mpi[1].unreachable.clear();
  ranks[1].startSend('barrier', new Uint8Array(), 0);
  const receiving = ranks[0].startReceive('barrier', new Uint8Array(), 1);
  t.throws(() => ranks[0].test(receiving), {
    message: /^Rank 1 sent 0 bytes of barrier where rank 0 expected/,
  });
});

test('an announced failure is not a mismatch', (t) => {
  const { ranks } = pair();
  ranks[0].startSend('failure', new Uint8Array(), 1);
  t.is(ranks[1].probe(0), 'failure');
  const receiving = ranks[1].startReceive('broadcast', new Uint8Array(8), 0);
  t.is(ranks[1].test(receiving), 'failure');
});

test('an error of MPI names the rank', (t) => {
  const { mpi, ranks } = pair();
  mpi[0].unreachable.add(1);
  const error = t.throws(() => ranks[0].startSend('barrier', new Uint8Array(), 1), {
    instanceOf: GroupError,
    message: 'Rank 0 cannot exchange messages with rank 1: MPI_Isend failed: connection refused',
  });
  t.deepEqual(error.ranks, [1]);
});

test('a message longer than MPI can count is refused before it is sent', (t) => {
  const { ranks } = pair();
  const long = { length: 2 ** 31 } as Uint8Array;
  t.throws(() => ranks[0].startSend('broadcast', long, 1), { instanceOf: RangeError });
  t.throws(() => ranks[1].startReceive('broadcast', long, 0), { instanceOf: RangeError });
  t.is(ranks[1].probe(0), undefined);
});
