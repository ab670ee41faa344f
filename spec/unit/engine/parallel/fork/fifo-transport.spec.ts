import fs, { readSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { FifoTransport } from '../../../../../engine/parallel/fork/fifo-transport.ts';
import { closeFifos, linksOf, openFifos } from '../../../../../engine/parallel/fork/fifos.ts';
import { type Wait, WaitState } from '../../../../../engine/parallel/fork/wait-state.ts';
import type { GroupFailure } from '../../../../../engine/parallel/transport.ts';
import { trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

/** Two ranks in one thread, which can exchange as much as a FIFO holds. */
async function pair(t: { teardown(fn: () => void): void }) {
  const fifos = await openFifos(2);
  t.teardown(() => closeFifos(fifos, () => true));
  const states = [new WaitState(), new WaitState()];
  const ranks = states.map((state, rank) => {
    const monitor = {
      report: (failure: GroupFailure) => state.fail(failure),
      close: async () => {},
    };
    return new FifoTransport({ rank, links: linksOf(rank, fifos), state, monitor, timeoutMs: 1000 });
  });
  return { ranks, states, fifos };
}

const bytes = Uint8Array.of(1, 2, 3);

test('one rank receives what the other sends', async (t) => {
  const { ranks } = await pair(t);
  const [received, nothing] = [new Uint8Array(3), new Uint8Array()];
  t.deepEqual([ranks[0].size, ranks[1].rank], [2, 1]);
  ranks[0].exchange('send/receive', [undefined, bytes], []);
  ranks[0].exchange('barrier', [undefined, nothing], []);
  ranks[1].exchange('send/receive', [], [received]);
  ranks[1].exchange('barrier', [], [nothing]);
  t.deepEqual(received, bytes);
});

test.serial(
  'while a rank reads or writes, its wait shows the peer, the direction and the time limit',
  async (t) => {
    const { ranks, states } = await pair(t);
    const { readvSync, writevSync } = fs;
    const waits: (Wait | undefined)[][] = [];
    const recorded =
      <Args extends unknown[]>(call: (...args: Args) => number) =>
      (...args: Args) => {
        waits.push(states.map((state) => state.waiting));
        return call(...args);
      };
    Object.assign(fs, { readvSync: recorded(readvSync), writevSync: recorded(writevSync) });
    syncBuiltinESMExports();
    t.teardown(() => {
      Object.assign(fs, { readvSync, writevSync });
      syncBuiltinESMExports();
    });
    ranks[0].exchange('broadcast', [undefined, bytes], []);
    ranks[1].exchange('broadcast', [], [new Uint8Array(3)], Number.POSITIVE_INFINITY);
    t.deepEqual(waits, [
      [{ peer: 1, direction: 'write', count: 1, timeoutMs: 1000 }, undefined],
      [undefined, { peer: 0, direction: 'read', count: 1, timeoutMs: Number.POSITIVE_INFINITY }],
    ]);
    t.deepEqual(
      states.map((state) => state.waiting),
      [undefined, undefined],
    );
  },
);

for (const [what, kind, length] of [
  ['another kind', 'agree', 3],
  ['fewer bytes', 'broadcast', 4],
  ['more bytes', 'broadcast', 2],
] as const) {
  test(`a message of ${what} than expected fails the group`, async (t) => {
    const { ranks } = await pair(t);
    ranks[0].exchange('broadcast', [undefined, bytes], []);
    const receive = () => ranks[1].exchange(kind, [], [new Uint8Array(length)]);
    const error = t.throws(receive, {
      instanceOf: GroupError,
      message:
        `Rank 0 sent 3 bytes of broadcast where rank 1 expected ${length} bytes of ${kind}: ` +
        'every rank must make the same calls with the same lengths',
    });
    t.deepEqual(error?.ranks, [0]);
    t.is(t.throws(receive)?.message, error?.message);
  });
}

test('a message that is lost fails the group, although the next one is of the same kind and size', async (t) => {
  const { ranks, fifos } = await pair(t);
  for (let i = 0; i < 2; i++) ranks[0].exchange('broadcast', [undefined, bytes], []);
  const first = new Uint8Array(16 + bytes.length);
  t.is(readSync(linksOf(1, fifos).incoming[0]?.blocking ?? -1, first), first.length);
  const receive = () => ranks[1].exchange('broadcast', [], [new Uint8Array(bytes.length)]);
  t.deepEqual(t.throws(receive, { instanceOf: GroupError })?.ranks, [0]);
});

test('a rank that fails after another throws the first failure', async (t) => {
  const { ranks, states } = await pair(t);
  states[0].fail({ message: 'Rank 1 was faster', ranks: [1] });
  t.is(ranks[0].fail({ message: 'too late', ranks: [0] }).message, 'Rank 1 was faster');
  t.throws(() => ranks[1].abort('enough'), { instanceOf: GroupError, message: 'Rank 1 gave up: enough' });
});

test('close throws a failure that no operation has thrown, once', async (t) => {
  const { ranks, states } = await pair(t);
  states[0].fail({ message: 'Rank 1 was killed', ranks: [1] });
  await t.throwsAsync(ranks[0].close(), { instanceOf: GroupError, message: 'Rank 1 was killed' });
  t.is(ranks[0].close(), ranks[0].close());
  states[1].fail({ message: 'Rank 0 was killed', ranks: [0] });
  t.throws(() => ranks[1].exchange('barrier', [], []));
  await t.notThrowsAsync(ranks[1].close());
});

test('close does not throw on the rank at fault, which has an error of its own', async (t) => {
  const { ranks, states } = await pair(t);
  states[0].fail({ message: 'Rank 0 has left the group', ranks: [0] });
  await t.notThrowsAsync(ranks[0].close());
});

test('a failure is found without an operation', async (t) => {
  const { ranks, states } = await pair(t);
  t.notThrows(() => ranks[0].check());
  states[0].fail({ message: 'Rank 1 was killed', ranks: [1] });
  t.throws(() => ranks[0].check(), { instanceOf: GroupError, message: 'Rank 1 was killed' });
});
