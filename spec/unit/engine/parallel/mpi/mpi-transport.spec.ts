import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { MpiTransport } from '../../../../../engine/parallel/mpi/mpi-transport.ts';
import { PointToPoint } from '../../../../../engine/parallel/mpi/point-to-point.ts';
import { fakeMpi } from '../../../../support/groups/fake-mpi.ts';

// spec/distributed/ runs the transport over MPI itself; here all ranks are in one thread.

const TIMEOUT_MS = 60;

function transports(size: number, { isLinkCut = false } = {}) {
  const mpi = fakeMpi(size);
  const polls: number[] = [];
  const connections = {
    poll: () => {
      polls.push(performance.now());
      return isLinkCut;
    },
  };
  const ranks = mpi.map(
    (calls) => new MpiTransport(calls, { timeoutMs: TIMEOUT_MS, localSize: size, connections }),
  );
  return { mpi, ranks, polls };
}

/** What another rank throws when it next waits for `from`. */
function failureAt(rank: MpiTransport, from: number): GroupError {
  const incoming = Array.from({ length: rank.size }, (_, peer) =>
    peer === from ? new Uint8Array(9) : undefined,
  );
  try {
    rank.exchange('allGather', [], incoming);
  } catch (error) {
    return error as GroupError;
  }
  throw new Error('no error was thrown');
}

test('an exchange sends and receives, in order', (t) => {
  const { ranks } = transports(2);
  const received = new Uint8Array(2);
  ranks[0].exchange('send/receive', [undefined, Uint8Array.of(4, 5)], []);
  ranks[0].exchange('barrier', [undefined, new Uint8Array()], []);
  ranks[1].exchange('send/receive', [], [received]);
  ranks[1].exchange('barrier', [], [new Uint8Array()]);
  t.deepEqual(received, Uint8Array.of(4, 5));
});

test('a mismatch fails the group with the same message on all ranks', (t) => {
  const { ranks } = transports(3);
  ranks[0].exchange('barrier', [undefined, new Uint8Array()], []);
  const error = t.throws(() => ranks[1].exchange('agree', [], [new Uint8Array()]), {
    instanceOf: GroupError,
  });
  t.regex(error.message, /^Rank 0 sent 0 bytes of barrier where rank 1 expected 0 bytes of agree/);
  t.deepEqual(error.ranks, [0]);
  t.is(t.throws(() => ranks[1].exchange('barrier', [], []))?.message, error.message, 'it stays failed');
  t.is(failureAt(ranks[2], 1).message, error.message);
  t.is(failureAt(ranks[0], 1).message, error.message);
});

test('a received failure is sent on to the other ranks', (t) => {
  const { ranks } = transports(3);
  t.throws(() => ranks[0].abort('enough'), { message: 'Rank 0 gave up: enough' });
  t.is(failureAt(ranks[1], 0).message, 'Rank 0 gave up: enough');
  t.is(failureAt(ranks[2], 1).message, 'Rank 0 gave up: enough');
});

test('a missing rank is named after the time limit, to the other ranks of this machine only', (t) => {
  const { mpi, ranks } = transports(4);
  ranks[0].localRanks = new Map([
    [1, 1],
    [2, 2],
  ]);
  const nothing = new Uint8Array();
  const error = t.throws(() => ranks[0].exchange('barrier', [], [undefined, nothing]), {
    instanceOf: GroupError,
  });
  t.regex(error.message, /^Rank 0 has waited \d\.\d s for rank 1 in barrier$/);
  t.deepEqual(error.ranks, [1]);
  t.is(failureAt(ranks[2], 0).message, error.message);
  t.deepEqual(
    [1, 3].map((peer) => mpi[peer].probe(0)),
    [undefined, undefined],
  );
});

test('only a wait longer than the time limit polls the connections, and fails if one is lost', (t) => {
  const { ranks, polls } = transports(2, { isLinkCut: true });
  const wait = (timeoutMs?: number) =>
    t.throws(() => ranks[0].exchange('broadcast', [], [undefined, new Uint8Array()], timeoutMs));
  const error = wait(Number.POSITIVE_INFINITY);
  t.is(
    error?.message,
    'Rank 0 has lost a connection to another host while it waited for rank 1 in broadcast',
  );
  t.is(polls.length, 1);
  const other = transports(2, { isLinkCut: true });
  t.throws(() => other.ranks[0].exchange('broadcast', [], [undefined, new Uint8Array()]), {
    message: /has waited/,
  });
  t.deepEqual(other.polls, []);
});

test('a long wait polls the connections twice in each time limit', (t) => {
  const { ranks, polls } = transports(2);
  t.throws(() => ranks[0].exchange('broadcast', [], [undefined, new Uint8Array()], 10 * TIMEOUT_MS));
  t.true(polls.length >= 2 && polls.length <= 20, `${polls.length} polls`);
});

test('a group that all ranks close is finalized once', async (t) => {
  const { mpi, ranks } = transports(2);
  new PointToPoint(mpi[1]).startSend('close', new Uint8Array(), 0);
  await ranks[0].close();
  await ranks[0].close();
  t.deepEqual(mpi[0].ended, ['finalize']);
  ranks[0].abortUnlessClosed(0);
  t.deepEqual(mpi[0].ended, ['finalize']);
});

test('a rank that closes the group while another does not has no error, and aborts the others at its exit', async (t) => {
  const { mpi, ranks } = transports(2);
  ranks[1].exchange('barrier', [new Uint8Array()], []);
  await ranks[0].close();
  t.deepEqual(mpi[0].ended, []);
  ranks[0].abortUnlessClosed(0);
  t.deepEqual(mpi[0].ended, ['abort 1']);
});

test('closing a failed group does not wait for the other ranks', async (t) => {
  const { mpi, ranks } = transports(2);
  t.throws(() => ranks[0].abort('enough'));
  await ranks[0].close();
  ranks[0].abortUnlessClosed(7);
  t.deepEqual(mpi[0].ended, ['abort 7']);
});

test('a rank that is missing when the group is closed is named', async (t) => {
  const { ranks } = transports(2);
  await t.throwsAsync(ranks[0].close(), {
    instanceOf: GroupError,
    message: /has waited \d\.\d s for rank 1 in close/,
  });
});
