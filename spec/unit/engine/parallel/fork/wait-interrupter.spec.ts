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
  incoming = links.incoming[1]?.nonBlocking ?? -1;
  outgoing = links.outgoing[1]?.nonBlocking ?? -1;
});
test.after.always(() => closeFifos(fifos, () => true));

const failure = { message: 'Rank 1 was killed', ranks: [1] };

function failedWhile(direction: 'read' | 'write' | undefined): {
  state: WaitState;
  interrupter: WaitInterrupter;
} {
  const state = new WaitState();
  if (direction) state.begin(1, direction, 1000);
  state.fail(failure);
  return { state, interrupter: new WaitInterrupter(state, links) };
}

test.serial(
  'a read is interrupted by bytes until the main thread has acknowledged the failure',
  async (t) => {
    const { state, interrupter } = failedWhile('read');
    t.teardown(() => interrupter.stop());
    interrupter.interrupt();
    t.is(readSync(incoming, new Uint8Array(100)), 1);
    await sleep(50);
    t.true(readSync(incoming, new Uint8Array(100)) >= 1);
    t.throws(() => state.end());
    await sleep(20);
    t.throws(() => readSync(incoming, new Uint8Array(100)), { code: 'EAGAIN' });
  },
);

test.serial('a write is interrupted by making room', (t) => {
  const fill = () => {
    for (;;) writeSync(outgoing, new Uint8Array(4096));
  };
  t.throws(fill, { code: 'EAGAIN' });
  const { interrupter } = failedWhile('write');
  interrupter.interrupt();
  interrupter.stop();
  t.is(writeSync(outgoing, new Uint8Array(4096)), 4096);
});

test.serial('a main thread that does not wait, or whose wait has ended, receives nothing', (t) => {
  for (const direction of [undefined, 'write'] as const) {
    const { interrupter } = failedWhile(direction);
    if (direction === 'write') t.true(readSync(outgoing, new Uint8Array(70_000)) > 0);
    t.notThrows(() => interrupter.interrupt());
    interrupter.stop();
    t.throws(() => readSync(incoming, new Uint8Array(100)), { code: 'EAGAIN' });
  }
});
