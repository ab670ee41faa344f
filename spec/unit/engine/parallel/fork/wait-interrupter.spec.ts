import { readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { closeFifos, type Links, linksOf, openFifos } from '../../../../../engine/parallel/fork/fifos.ts';
import { WaitInterrupter } from '../../../../../engine/parallel/fork/wait-interrupter.ts';
import { WaitState } from '../../../../../engine/parallel/fork/wait-state.ts';
import { trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

let fifos: Awaited<ReturnType<typeof openFifos>> = [];
let links: Links = { incoming: [], outgoing: [] };
let [incoming, outgoing] = [-1, -1];

test.before(async () => {
  fifos = await openFifos(2);
  links = linksOf(0, fifos);
  incoming = links.incoming[1]?.prompt ?? -1;
  outgoing = links.outgoing[1]?.prompt ?? -1;
});
test.after.always(() => closeFifos(fifos, () => true));

const verdict = { message: 'Rank 1 was killed', ranks: [1] };

function failedWhile(direction: 'read' | 'write' | undefined): { state: WaitState; waker: WaitInterrupter } {
  const state = new WaitState();
  if (direction) state.begin(1, direction, 1000);
  state.fail(verdict);
  return { state, waker: new WaitInterrupter(state, links) };
}

test.serial('who waits for data gets a byte, until it has seen the failure', async (t) => {
  const { state, waker } = failedWhile('read');
  t.teardown(() => waker.stop());
  waker.wake();
  t.is(readSync(incoming, new Uint8Array(100)), 1);
  await sleep(50);
  t.true(readSync(incoming, new Uint8Array(100)) >= 1);
  t.throws(() => state.end());
  await sleep(20);
  t.throws(() => readSync(incoming, new Uint8Array(100)), { code: 'EAGAIN' });
});

test.serial('who waits for room gets some', (t) => {
  const fill = () => {
    for (;;) writeSync(outgoing, new Uint8Array(4096));
  };
  t.throws(fill, { code: 'EAGAIN' });
  const { waker } = failedWhile('write');
  waker.wake();
  waker.stop();
  t.is(writeSync(outgoing, new Uint8Array(4096)), 4096);
});

test.serial('nothing is sent to one that does not wait, or went on', (t) => {
  for (const direction of [undefined, 'write'] as const) {
    const { waker } = failedWhile(direction);
    if (direction === 'write') t.true(readSync(outgoing, new Uint8Array(70_000)) > 0);
    t.notThrows(() => waker.wake());
    waker.stop();
    t.throws(() => readSync(incoming, new Uint8Array(100)), { code: 'EAGAIN' });
  }
});
