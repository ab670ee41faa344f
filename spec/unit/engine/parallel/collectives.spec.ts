import test from 'ava';
import { GroupError } from '../../../../engine/errors.ts';
import { aloneGroup } from '../../../../engine/parallel/alone.ts';
import { Collectives } from '../../../../engine/parallel/collectives.ts';

const group = aloneGroup();

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

test('three ranks have no tree to add in', (t) => {
  const three = new Collectives({
    rank: 1,
    size: 3,
    exchange: () => t.fail('nothing may be sent'),
    fail: (message, ranks) => new GroupError(message, ranks),
    abort: () => {
      throw new Error('not aborted');
    },
    close: async () => {},
  });
  t.throws(() => three.allReduce(new Float32Array(1)), {
    instanceOf: RangeError,
    message: 'An all-reduce needs 1, 2, 4, 8, … ranks, for a fixed tree; here are 3',
  });
});
