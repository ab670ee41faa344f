import test from 'ava';
import fc from 'fast-check';
import { GroupError } from '../../../../engine/errors.ts';
import { Collectives } from '../../../../engine/parallel/collectives.ts';
import type { ProcessGroup, WaitOptions } from '../../../../engine/parallel/process-group.ts';
import { singleProcessGroup } from '../../../../engine/parallel/single-process-group.ts';
import type { Parts } from '../../../../engine/parallel/transport.ts';
import { runSteps, type Step, shortSteps } from '../../../support/groups/group-collectives.ts';
import { inTurn, rankAlone } from '../model/ranks-in-turn.ts';

const group = singleProcessGroup();

const parts = (sent: number, outgoingCounts: number[], received: number, incomingCounts: number[]) => ({
  outgoing: new Int32Array(sent),
  outgoingCounts,
  incoming: new Int32Array(received),
  incomingCounts,
});

/** @throws Error that names the ranks and steps with other values than ProcessGroup documents. */
function requireValues(size: number, steps: readonly Step[]): void {
  inTurn(size, (group) => {
    const wrong = runSteps(group, steps);
    if (wrong !== '') throw new Error(wrong);
  });
}

// spec/distributed/collectives.spec.ts does the same over processes.
test('collectives give every rank the values that ProcessGroup documents', (t) => {
  const drawn = fc.property(fc.constantFrom(2, 3, 4, 8), shortSteps, requireValues);
  fc.assert(drawn, { seed: 20261122, numRuns: 25 });
  const values: Omit<Step, 'kind' | 'length'> = {
    ...{ type: 'Float32Array', seed: 5, counts: [1] },
    ...{ late: 0, delay: 0 },
  };
  for (const [size, length] of [
    [2, 16_381],
    [4, 4 * 16_380 + 1],
  ]) {
    t.notThrows(
      () => requireValues(size, [{ ...values, kind: 'allReduce', length }]),
      `${length} values of ${size} ranks`,
    );
  }
});

test('a collective refuses lengths that do not fit before it sends anything', (t) => {
  t.throws(() => group.allGather(new Int32Array(2), new Int32Array(3)), {
    instanceOf: RangeError,
    message: '1 ranks with 2 values each do not fill 3 values',
  });
  t.throws(() => group.allToAll(parts(2, [1], 1, [1])), {
    instanceOf: RangeError,
    message: 'The outgoing counts [1] do not cut 2 values into 1 parts',
  });
  t.throws(() => group.allToAll(parts(1, [1], 1, [2, -1])), {
    instanceOf: RangeError,
    message: 'The incoming counts [2, -1] do not cut 1 values into 1 parts',
  });
  t.throws(() => group.allToAll(parts(1, [1], 2, [2])), {
    instanceOf: RangeError,
    message: 'Rank 0 sends itself 4 bytes and expects 8 from itself',
  });
});

test('a collective refuses a rank outside the group, and a message to itself', (t) => {
  for (const rank of [-1, 1, 0.5]) {
    const message = `Rank ${rank} is not in a group of 1: expected 0 to 0`;
    t.throws(() => group.broadcast(new Uint8Array(1), rank), { instanceOf: RangeError, message });
    t.throws(() => group.send(new Uint8Array(1), rank), { instanceOf: RangeError, message });
  }
  t.throws(() => group.receive(new Uint8Array(1), 0), {
    instanceOf: RangeError,
    message: 'Rank 0 cannot exchange messages with itself',
  });
});

/** A rank whose transport sends nothing and records every exchange. */
function recorded(rank: number, size: number) {
  const exchanges: [outgoing: Parts, incoming: Parts][] = [];
  const group = new Collectives({
    rank,
    size,
    exchange: (_kind, outgoing, incoming) => exchanges.push([outgoing, incoming]),
    fail: ({ message, ranks }) => new GroupError(message, ranks),
    check: () => {},
    abort: () => {
      throw new Error('not aborted');
    },
    close: async () => {},
  });
  return { group, exchanges };
}

const lengths = (parts: Parts) => parts.map((part) => part?.length);

test('own values come to their place among all, also from elsewhere in the same memory', (t) => {
  const memory = Float32Array.from({ length: 12 }, (_, i) => i);
  const all = memory.subarray(4, 10);
  recorded(1, 3).group.allGather(memory.subarray(0, 2), all);
  t.deepEqual([...memory], [0, 1, 2, 3, 4, 5, 0, 1, 8, 9, 10, 11]);
  recorded(1, 3).group.allGather(all.subarray(2, 4), all);
  t.deepEqual([...memory], [0, 1, 2, 3, 4, 5, 0, 1, 8, 9, 10, 11]);
});

test('each operation is an exchange of its kind, with the time limit that it is called with', (t) => {
  const one = () => new Float32Array(1);
  const operations: [string, number, (group: ProcessGroup, options?: WaitOptions) => void][] = [
    ['barrier', 1, (group, options) => group.barrier(options)],
    ['allGather', 1, (group, options) => group.allGather(one(), new Float32Array(4), options)],
    ['allReduce', 1, (group, options) => group.allReduce(one(), options)],
    // By slices: two exchanges.
    ['allReduce', 2, (group, options) => group.allReduce(new Float32Array(16_381), options)],
    ['broadcast', 1, (group, options) => group.broadcast(one(), 1, options)],
    ['broadcast', 1, (group, options) => group.broadcast(one(), 2, options)],
    ['allToAll', 1, (group, options) => group.allToAll(parts(4, [1, 1, 1, 1], 4, [1, 1, 1, 1]), options)],
    ['send/receive', 1, (group, options) => group.send(one(), 2, options)],
    ['send/receive', 1, (group, options) => group.receive(one(), 2, options)],
  ];
  const seen: [string, number | undefined][] = [];
  const four = rankAlone(1, 4, (_, __, kind, timeoutMs) => seen.push([kind, timeoutMs]));
  for (const [kind, count, run] of operations) {
    for (const timeoutMs of [7, undefined]) {
      run(four, timeoutMs === undefined ? undefined : { timeoutMs });
      t.deepEqual(seen.splice(0), new Array(count).fill([kind, timeoutMs]));
    }
  }
  // The other ranks' hashes are zeros here.
  t.throws(() => four.agree('config', 'a', { timeoutMs: 7 }), { instanceOf: GroupError });
  t.deepEqual(seen, [['agree', 7]]);
});

test('a group checks, aborts and closes as its transport does', async (t) => {
  const called: string[] = [];
  const closed = Promise.resolve();
  const group = new Collectives({
    ...{ rank: 0, size: 2, exchange: () => {} },
    fail: ({ message, ranks }) => new GroupError(message, ranks),
    check: () => called.push('check'),
    abort: (reason) => {
      throw new GroupError(reason, [0]);
    },
    close: () => closed,
  });
  group.check();
  t.deepEqual(called, ['check']);
  t.throws(() => group.abort('enough'), { instanceOf: GroupError, message: 'enough' });
  t.is(group.close(), closed);
});

test('an all-reduce of three ranks is refused', (t) => {
  const { group: three, exchanges } = recorded(1, 3);
  t.throws(() => three.allReduce(new Float32Array(1)), {
    instanceOf: RangeError,
    message: 'An all-reduce needs 1, 2, 4, 8, … ranks, for a balanced tree; this group has 3',
  });
  t.deepEqual(exchanges, [], 'nothing is sent');
});

test('an empty all-reduce is exchanged, so that a rank whose values are not empty is found', (t) => {
  const { group, exchanges } = recorded(1, 2);
  group.allReduce(new Float32Array(0));
  t.deepEqual(exchanges, [
    [
      [new Uint8Array(0), undefined],
      [new Uint8Array(0), undefined],
    ],
  ]);
});

test('ranks that agree about different things send different hashes, also of the same text', (t) => {
  const sent = [
    ['config', 'abc'],
    ['weights', 'abc'],
    ['configa', 'bc'],
  ].map(([name, value]) => {
    const { group, exchanges } = recorded(1, 2);
    // What the other rank has sent is zeros here.
    t.throws(() => group.agree(name, value), { instanceOf: GroupError });
    return Buffer.from(exchanges[0][0][0]!).toString('hex');
  });
  t.is(new Set(sent).size, 3, sent.join(' '));
});

test('traffic counts the messages and bytes that a rank sends to each other rank', (t) => {
  const { group } = recorded(1, 4);
  t.deepEqual(group.traffic(), { messages: 0, bytesSent: 0 });
  group.barrier();
  t.deepEqual(group.traffic(), { messages: 3, bytesSent: 0 });
  group.allGather(new Float32Array(5), new Float32Array(20));
  t.deepEqual(group.traffic(), { messages: 6, bytesSent: 3 * 20 });
  group.broadcast(new Uint8Array(7), 1);
  group.broadcast(new Uint8Array(1000), 0);
  t.deepEqual(group.traffic(), { messages: 9, bytesSent: 3 * 20 + 3 * 7 }, 'received bytes do not count');
  group.send(new Int32Array(2), 3);
  group.receive(new Int32Array(9), 3);
  t.deepEqual(group.traffic(), { messages: 10, bytesSent: 3 * 20 + 3 * 7 + 8 });
  const before = group.traffic();
  group.allToAll({
    outgoing: new Uint8Array(10),
    outgoingCounts: [1, 2, 3, 4],
    incoming: new Uint8Array(8),
    incomingCounts: [2, 2, 2, 2],
  });
  t.is(group.traffic().bytesSent - before.bytesSent, 8, 'its part for itself is not sent');
});

test('traffic does not count an exchange that fails', (t) => {
  const group = new Collectives({
    rank: 0,
    size: 2,
    exchange: () => {
      throw new GroupError('rank 1 has died', [1]);
    },
    fail: ({ message, ranks }) => new GroupError(message, ranks),
    check: () => {},
    abort: () => {
      throw new Error('not aborted');
    },
    close: async () => {},
  });
  t.throws(() => group.barrier(), { instanceOf: GroupError });
  t.deepEqual(group.traffic(), { messages: 0, bytesSent: 0 });
});

test('an all-reduce of more than 16 380 values over more than two ranks goes by slices', (t) => {
  const four = recorded(2, 4);
  four.group.allReduce(new Float32Array(16_380));
  t.deepEqual(
    four.exchanges.map(([sent]) => lengths(sent)),
    [[65_520, 65_520, undefined, 65_520]],
  );
  t.is(four.group.traffic().bytesSent, 3 * 65_520);

  const long = recorded(2, 4);
  // A full round of slices, and one of 5 values, whose slices have 2, 2, 1 and 0 values.
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

test('an all-reduce adds with the adder that is given, in its memory, which it asks for once', (t) => {
  for (const [size, length] of [[2, 5]]) {
    const { group } = recorded(0, size);
    const allocated: Float32Array[] = [];
    const added: number[] = [];
    const adder = {
      allocate(values: number) {
        allocated.push(new Float32Array(values));
        return allocated.at(-1)!;
      },
      add(x: Float32Array, y: Float32Array, values: number) {
        t.true(allocated.some((memory) => memory.buffer === y.buffer));
        added.push(values);
        x[0] += 1;
      },
    };
    const values = new Float32Array(length);
    group.allReduce(values, { adder });
    group.allReduce(values, { adder });
    t.is(allocated.length, size);
    // Over four ranks a slice has a quarter of the values.
    const each = size === 2 ? [5] : [4096, 4096, 4096];
    t.deepEqual(added, [...each, ...each]);
    t.true(values[0] > 0);
  }
});
