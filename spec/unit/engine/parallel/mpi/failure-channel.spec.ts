import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { FailureChannel } from '../../../../../engine/parallel/mpi/failure-channel.ts';
import { PointToPoint } from '../../../../../engine/parallel/mpi/point-to-point.ts';
import { Poller } from '../../../../../engine/parallel/mpi/poller.ts';
import { fakeMpi } from '../../../../support/groups/fake-mpi.ts';

const FAILURE = { message: 'Rank 2 gave up: no space left', ranks: [2] };

function channels(size: number) {
  const mpi = fakeMpi(size);
  const messages = mpi.map((calls) => new PointToPoint(calls));
  const failures = messages.map((each) => new FailureChannel(each, new Poller({ spins: false })));
  return { mpi, messages, failures };
}

test('a failure reaches the given ranks in place of any other message', (t) => {
  const { messages, failures } = channels(4);
  const error = failures[0].fail(FAILURE, [1, 3]);
  t.true(error instanceof GroupError);
  t.deepEqual({ message: error.message, ranks: error.ranks }, FAILURE);
  t.is(failures[0].failure, error);
  for (const [rank, bytes] of [
    [1, 0],
    [3, 1000],
  ]) {
    const receiving = messages[rank].startReceive('allReduce', new Uint8Array(bytes), 0);
    t.is(messages[rank].test(receiving), 'failure');
    t.deepEqual(failures[rank].receive(0), FAILURE);
  }
  t.is(messages[2].probe(0), undefined, 'it is sent to the given ranks only');
});

test('only the first failure counts and is sent', (t) => {
  const { messages, failures } = channels(2);
  const first = failures[0].fail(FAILURE, []);
  t.is(failures[0].fail({ message: 'another', ranks: [1] }, [1]), first);
  t.is(messages[1].probe(0), undefined);
});

test('a failure is sent to the other ranks if MPI does not reach one of them', (t) => {
  const { mpi, failures } = channels(3);
  mpi[0].unreachable.add(1);
  t.is(failures[0].fail(FAILURE, [1, 2]).message, FAILURE.message);
  const [, , receiver] = failures;
  t.truthy(mpi[2].probe(0));
  mpi[2].test(mpi[2].startReceive(new Uint8Array(), 0));
  t.deepEqual(receiver.receive(0), FAILURE);
});

test('a rank that announces a failure and does not send its reason is named', (t) => {
  const { messages, failures } = channels(2);
  messages[0].startSend('failure', new Uint8Array(), 1);
  t.is(messages[1].test(messages[1].startReceive('barrier', new Uint8Array(), 0)), 'failure');
  const error = t.throws(() => failures[1].receive(0), {
    instanceOf: GroupError,
    message: 'Rank 0 has failed, and does not send the reason',
  });
  t.deepEqual(error.ranks, [0]);
});
