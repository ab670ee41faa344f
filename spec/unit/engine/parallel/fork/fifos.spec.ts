import { readdirSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import {
  closeFifos,
  descriptorsOf,
  inheritedLinks,
  linksOf,
  openFifos,
} from '../../../../../engine/parallel/fork/fifos.ts';
import { trackResources } from '../../../../support/cleanup.ts';

trackResources(test);

test.serial('there is a FIFO from every rank to every other, and no file', (t) => {
  const fifos = openFifos(3);
  t.teardown(() => closeFifos(fifos, () => true));
  t.deepEqual(readdirSync(tmpdir()), []);
  const [one, two] = [1, 2].map((rank) => linksOf(rank, fifos));
  t.is(one.incoming[1], undefined);
  writeSync(one.outgoing[2]?.blocking ?? -1, 'word');
  const bytes = new Uint8Array(10);
  t.is(readSync(two.incoming[1]?.blocking ?? -1, bytes), 4);
  t.throws(() => readSync(two.incoming[1]?.prompt ?? -1, bytes), { code: 'EAGAIN' });
});

test.serial('a child finds its FIFOs in the order in which it gets them', (t) => {
  const fifos = openFifos(4);
  t.teardown(() => closeFifos(fifos, () => true));
  for (const rank of [0, 1, 2, 3]) {
    const links = linksOf(rank, fifos);
    const descriptors = descriptorsOf(links);
    t.is(descriptors.length, 12);
    const inherited = inheritedLinks(rank, 4);
    for (const peer of [0, 1, 2, 3].filter((other) => other !== rank)) {
      for (const way of ['incoming', 'outgoing'] as const) {
        t.is(descriptors[(inherited[way][peer]?.blocking ?? 0) - 4], links[way][peer]?.blocking ?? -1);
        t.is(descriptors[(inherited[way][peer]?.prompt ?? 0) - 4], links[way][peer]?.prompt ?? -1);
      }
    }
  }
});

test.serial('a system without mkfifo is told what is missing', (t) => {
  const path = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/nonexistent';
  t.throws(() => openFifos(2), {
    instanceOf: GroupError,
    message: /^2 ranks on this machine need FIFOs between them, made by mkfifo: .*ENOENT/,
  });
  t.deepEqual(readdirSync(tmpdir()), []);
});

test.serial('a temporary folder that cannot be written to is named', (t) => {
  const folder = process.env.TMPDIR;
  t.teardown(() => {
    process.env.TMPDIR = folder;
  });
  process.env.TMPDIR = '/nonexistent';
  t.throws(() => openFifos(2), {
    instanceOf: GroupError,
    message: /need FIFOs .*\/nonexistent\/plumbline-group-/,
  });
});
