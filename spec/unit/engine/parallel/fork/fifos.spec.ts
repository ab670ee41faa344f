import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import {
  closeFifos,
  descriptorsOf,
  inheritedLinks,
  linksOf,
  openFifos,
} from '../../../../../engine/parallel/fork/fifos.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

const FIFOS = import.meta.resolve('../../../../../engine/parallel/fork/fifos.ts');

test.serial('every rank has a FIFO to every other, and no file is left', async (t) => {
  const fifos = await openFifos(3);
  t.teardown(() => closeFifos(fifos, () => true));
  t.deepEqual(readdirSync(tmpdir()), []);
  const [one, two] = [1, 2].map((rank) => linksOf(rank, fifos));
  t.is(one.incoming[1], undefined);
  writeSync(one.outgoing[2]?.blocking ?? -1, 'word');
  const bytes = new Uint8Array(10);
  t.is(readSync(two.incoming[1]?.blocking ?? -1, bytes), 4);
  t.throws(() => readSync(two.incoming[1]?.nonBlocking ?? -1, bytes), { code: 'EAGAIN' });
});

test.serial('inherited descriptors are in the order in which a child receives them', async (t) => {
  const fifos = await openFifos(4);
  t.teardown(() => closeFifos(fifos, () => true));
  for (const rank of [0, 1, 2, 3]) {
    const links = linksOf(rank, fifos);
    const descriptors = descriptorsOf(links);
    t.is(descriptors.length, 12);
    const inherited = inheritedLinks(rank, 4);
    for (const peer of [0, 1, 2, 3].filter((other) => other !== rank)) {
      for (const way of ['incoming', 'outgoing'] as const) {
        t.is(descriptors[(inherited[way][peer]?.blocking ?? 0) - 4], links[way][peer]?.blocking ?? -1);
        t.is(descriptors[(inherited[way][peer]?.nonBlocking ?? 0) - 4], links[way][peer]?.nonBlocking ?? -1);
      }
    }
  }
});

test.serial('opening FIFOs on a system without mkfifo names mkfifo', async (t) => {
  const path = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/nonexistent';
  await t.throwsAsync(openFifos(2), {
    instanceOf: GroupError,
    message: /^2 ranks on this machine need FIFOs between them, made by mkfifo: .*ENOENT/,
  });
  t.deepEqual(readdirSync(tmpdir()), []);
});

test.serial('opening FIFOs in a temporary folder that cannot be written names the folder', async (t) => {
  const folder = process.env.TMPDIR;
  t.teardown(() => {
    process.env.TMPDIR = folder;
  });
  process.env.TMPDIR = '/nonexistent';
  await t.throwsAsync(openFifos(2), {
    instanceOf: GroupError,
    message: /need FIFOs .*\/nonexistent\/plumbline-group-.*; set TMPDIR to a folder that can be written$/,
  });
});

for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test.serial(`a launcher that ${signal} ends while its FIFOs are made leaves no file`, async (t) => {
    const [tools, files] = [temporaryFolder(t), temporaryFolder(t)];
    writeFileSync(join(tools, 'mkfifo'), '#!/bin/sh\nsleep 0.3\n', { mode: 0o700 });
    const script = `const { openFifos } = await import('${FIFOS}'); await openFifos(3);`;
    const env = { ...process.env, PATH: `${tools}:${process.env.PATH}`, TMPDIR: files };
    const argv = ['--input-type=module', '-e', script];
    const launcher = spawn(process.execPath, argv, { env, detached: true });
    t.teardown(() => launcher.kill('SIGKILL'));
    while (readdirSync(files).length === 0) await sleep(5);
    // Signals of a terminal reach the whole process group, and so the shell that makes the FIFOs.
    process.kill(signal === 'SIGKILL' ? launcher.pid! : -launcher.pid!, signal);
    await once(launcher, 'exit');
    t.is(readdirSync(files).length, 1, 'it was ended before the FIFOs were made');
    for (let i = 0; i < 200 && readdirSync(files).length > 0; i++) await sleep(10);
    t.deepEqual(readdirSync(files), []);
  });
}
