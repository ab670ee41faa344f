import test from 'ava';
import { GroupError } from '../../../../engine/errors.ts';
import { Collectives } from '../../../../engine/parallel/collectives.ts';
import { singleProcessGroup } from '../../../../engine/parallel/single-process-group.ts';
import type { Parts } from '../../../../engine/parallel/transport.ts';

const group = singleProcessGroup();

// That ranks get the right values is shown by spec/distributed/collectives.spec.ts, over processes.

test('lengths that do not fit are refused before anything is sent', (t) => {
  t.throws(() => group.allGather(new Int32Array(2), new Int32Array(3)), {
    instanceOf: RangeError,
    message: '1 ranks with 2 values each do not fill 3 values',
  });
  t.throws(() => group.allToAll(new Int32Array(2), [1], new Int32Array(1), [1]), {
    instanceOf: RangeError,
    message: 'The outgoing counts [1] do not cut 2 values into 1 parts',
  });
  t.throws(() => group.allToAll(new Int32Array(1), [1], new Int32Array(1), [2, -1]), {
    instanceOf: RangeError,
    message: 'The incoming counts [2, -1] do not cut 1 values into 1 parts',
  });
  t.throws(() => group.allToAll(new Int32Array(1), [1], new Int32Array(2), [2]), {
    instanceOf: RangeError,
    message: 'Rank 0 sends itself 4 bytes and expects 8 from itself',
  });
});

test('a rank that does not exist, or is this one, is refused', (t) => {
  for (const rank of [-1, 1, 0.5]) {
    const message = `There is no rank ${rank} in a group of 1`;
    t.throws(() => group.broadcast(new Uint8Array(1), rank), { instanceOf: RangeError, message });
    t.throws(() => group.send(new Uint8Array(1), rank), { instanceOf: RangeError, message });
  }
  t.throws(() => group.receive(new Uint8Array(1), 0), {
    instanceOf: RangeError,
    message: 'Rank 0 cannot exchange messages with itself',
  });
});

/** A rank of a group in which messages go nowhere and come as they are; keeps what was exchanged. */
function recorded(rank: number, size: number) {
  const exchanges: [outgoing: Parts, incoming: Parts][] = [];
  const group = new Collectives({
    rank,
    size,
    exchange: (_kind, outgoing, incoming) => exchanges.push([outgoing, incoming]),
    fail: (message, ranks) => new GroupError(message, ranks),
    abort: () => {
      throw new Error('not aborted');
    },
    close: async () => {},
  });
  return { group, exchanges };
}

const lengths = (parts: Parts) => parts.map((part) => part?.length);

test('three ranks have no tree to add in', (t) => {
  const { group: three, exchanges } = recorded(1, 3);
  t.throws(() => three.allReduce(new Float32Array(1)), {
    instanceOf: RangeError,
    message: 'An all-reduce needs 1, 2, 4, 8, … ranks, for a fixed tree; here are 3',
  });
  t.deepEqual(exchanges, [], 'nothing may be sent');
});

test('what a rank sends is counted, each message to each rank', (t) => {
  const { group } = recorded(1, 4);
  t.deepEqual(group.traffic(), { messages: 0, bytesSent: 0 });
  group.barrier();
  t.deepEqual(group.traffic(), { messages: 3, bytesSent: 0 });
  group.allGather(new Float32Array(5), new Float32Array(20));
  t.deepEqual(group.traffic(), { messages: 6, bytesSent: 3 * 20 });
  group.broadcast(new Uint8Array(7), 1);
  group.broadcast(new Uint8Array(1000), 0);
  t.deepEqual(group.traffic(), { messages: 9, bytesSent: 3 * 20 + 3 * 7 }, 'what is received is not');
  group.send(new Int32Array(2), 3);
  group.receive(new Int32Array(9), 3);
  t.deepEqual(group.traffic(), { messages: 10, bytesSent: 3 * 20 + 3 * 7 + 8 });
  const before = group.traffic();
  group.allToAll(new Uint8Array(10), [1, 2, 3, 4], new Uint8Array(8), [2, 2, 2, 2]);
  t.is(group.traffic().bytesSent - before.bytesSent, 8, 'what it has for itself is not sent');
});

test('a message that does not go out is not counted', (t) => {
  const group = new Collectives({
    rank: 0,
    size: 2,
    exchange: () => {
      throw new GroupError('rank 1 has died', [1]);
    },
    fail: (message, ranks) => new GroupError(message, ranks),
    abort: () => {
      throw new Error('not aborted');
    },
    close: async () => {},
  });
  t.throws(() => group.barrier(), { instanceOf: GroupError });
  t.deepEqual(group.traffic(), { messages: 0, bytesSent: 0 });
});

test('a short all-reduce goes straight to all, a long one by slices where there are more than two ranks', (t) => {
  const four = recorded(2, 4);
  four.group.allReduce(new Float32Array(16_380));
  t.deepEqual(
    four.exchanges.map(([sent]) => lengths(sent)),
    [[65_520, 65_520, undefined, 65_520]],
  );
  t.is(four.group.traffic().bytesSent, 3 * 65_520);

  const long = recorded(2, 4);
  // A whole round of slices, and one of which the last rank has none: 5 values are 2, 2, 1 and 0.
  long.group.allReduce(new Float32Array(4 * 16_380 + 5));
  t.deepEqual(
    long.exchanges.map(([sent, received]) => [lengths(sent), lengths(received)]),
    [
      [
        [65_520, 65_520, undefined, 65_520],
        [65_520, 65_520, undefined, 65_520],
      ],
      [
        [65_520, 65_520, undefined, 65_520],
        [65_520, 65_520, undefined, 65_520],
      ],
      [
        [8, 8, undefined, 0],
        [4, 4, undefined, 4],
      ],
      [
        [4, 4, undefined, 4],
        [8, 8, undefined, 0],
      ],
    ],
  );

  const two = recorded(0, 2);
  two.group.allReduce(new Float32Array(2 * 16_380));
  t.deepEqual(
    two.exchanges.map(([sent]) => lengths(sent)),
    [
      [undefined, 65_520],
      [undefined, 65_520],
    ],
  );
});
