import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { type LaunchOptions, launch } from '../../../../../engine/parallel/fork/launch.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

/** Launches ranks, two by default; all but rank 0 run a module with this text. */
function launchRanks(t: ExecutionContext, text: string, options?: LaunchOptions, size = 2) {
  const entry = join(temporaryFolder(t), 'entry.mjs');
  writeFileSync(entry, text);
  return launch(size, pathToFileURL(entry), options);
}

test('a group has at least one rank', async (t) => {
  for (const size of [0, -1, 1.5]) {
    await t.throwsAsync(launch(size, new URL('file:///no-entry.mjs')), {
      instanceOf: RangeError,
      message: `A group has 1 or more ranks, not ${size}`,
    });
  }
});

test('a group of one rank starts no process', async (t) => {
  const group = await launch(1, new URL('file:///no-entry.mjs'));
  t.is(group.size, 1);
  await group.close();
});

test.serial('a launched rank runs the entry with its argument', async (t) => {
  const text = 'export default (group, { word }) => group.send(Uint8Array.from(Buffer.from(word)), 0);';
  const group = await launchRanks(t, text, { argument: { word: 'héllo' } });
  const received = new Uint8Array(6);
  group.receive(received, 1);
  t.is(Buffer.from(received).toString(), 'héllo');
  await group.close();
  await group.close();
});

test.serial('the launcher closes the FIFOs between other ranks', async (t) => {
  const group = await launchRanks(t, 'export default (group) => group.barrier();', {}, 3);
  group.barrier();
  t.is(group.size, 3);
  await group.close();
});

test.serial('launch fails with the reason if the entry cannot be imported', async (t) => {
  const error = await t.throwsAsync(launchRanks(t, "throw new Error('no model here');"), {
    instanceOf: GroupError,
  });
  t.is(error?.message, 'Rank 1 failed: Error: no model here');
  t.deepEqual(error?.ranks, [1]);
});

test.serial('launch names the ranks that do not start in time', async (t) => {
  const text = 'setInterval(() => {}, 1000); await new Promise(() => {});';
  await t.throwsAsync(launchRanks(t, text, { startTimeoutMs: 700 }), {
    instanceOf: GroupError,
    message: 'Waited 700 ms for rank 1 to start',
  });
});
