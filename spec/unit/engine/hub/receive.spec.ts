import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { HubClient } from '../../../../engine/hub/client.ts';
import { HubContentError, type HubFile } from '../../../../engine/hub/file.ts';
import { PartialFile } from '../../../../engine/hub/partial.ts';
import { receive } from '../../../../engine/hub/receive.ts';
import { HubConnectionError } from '../../../../engine/hub/timeout.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const TEXT = 'abcdefgh';
const FILE: HubFile = { path: 'model.safetensors', size: TEXT.length, lfs: true, oid: 'f'.repeat(64) };

/**
 * A hub whose answers have at most the given numbers of bytes, the last of which is repeated; after them the
 * connection breaks, or the body ends.
 */
async function setUp(
  t: ExecutionContext,
  lengths: number[],
  { breaks = true, ranges = true, etag = '' } = {},
) {
  const asked: { range: string | null; ifRange: string | null }[] = [];
  const answer = (init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    asked.push({ range: headers.get('Range'), ifRange: headers.get('If-Range') });
    const begin = ranges ? Number(/\d+/.exec(headers.get('Range') ?? '0')) : 0;
    const length = lengths[Math.min(asked.length, lengths.length) - 1];
    const sent = TEXT.slice(begin, begin + length);
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(sent)),
      pull: (controller) =>
        breaks && begin + length < TEXT.length
          ? controller.error(new TypeError('broke'))
          : controller.close(),
    });
    const range = { 'Content-Range': `bytes ${begin}-${TEXT.length - 1}/${TEXT.length}` };
    return new Response(body, {
      status: begin > 0 ? 206 : 200,
      headers: { ...(begin > 0 ? range : {}), ...(etag ? { ETag: etag } : {}) },
    });
  };
  const settings = { cacheDir: '', endpoint: 'https://hub', token: undefined, offline: undefined };
  const client = new HubClient('org/name', settings, { fetch: async (_url, init) => answer(init) });
  const partial = closing(t, await PartialFile.open(join(temporaryFolder(t), 'partial'), FILE));
  const [pauses, progress]: number[][] = [[], []];
  const { signal } = new AbortController();
  const run = () =>
    receive(partial, {
      signal,
      client,
      commit: 'c'.repeat(40),
      file: FILE,
      async delay(ms, ending) {
        if (ending !== signal) throw new Error('a signal does not end the pause');
        // No test pauses half as often: without an end there would be no message.
        if (pauses.push(ms) > 30) throw new Error(`paused ${pauses.length} times without giving up`);
      },
      onBytes: (done) => progress.push(done),
    });
  const ranges_ = () => asked.map(({ range }) => range);
  return { partial, run, asked, ranges: ranges_, pauses, progress };
}

for (const breaks of [true, false]) {
  test(`a body that ${breaks ? 'breaks off' : 'ends early'} is resumed where it ended, as long as each attempt makes progress`, async (t) => {
    const { partial, run, ranges, pauses, progress } = await setUp(t, [3, 1, 1, 1, 1, 1], { breaks });
    await run();
    t.is(partial.size, TEXT.length);
    t.deepEqual(ranges(), [null, ...[3, 4, 5, 6, 7].map((begin) => `bytes=${begin}-`)]);
    t.deepEqual(pauses, [1000, 1000, 1000, 1000, 1000]);
    t.deepEqual(progress, [3, 4, 5, 6, 7, 8]);
  });

  test(`a body that ${breaks ? 'breaks off' : 'ends early'} without progress is an error after four attempts`, async (t) => {
    const { partial, run, asked, pauses } = await setUp(t, [3, 0], { breaks });
    await t.throwsAsync(run(), {
      instanceOf: HubConnectionError,
      message:
        /model\.safetensors(, after 3 of 8 bytes: cannot be fetched \(broke\)|: ended after 3 of 8 bytes)/,
    });
    t.is(partial.size, 3, 'the part that has arrived is kept');
    t.is(asked.length, 4);
    t.deepEqual(pauses, [1000, 2000, 4000]);
  });
}

test('a resumed request sends the ETag of the first answer', async (t) => {
  const { run, asked } = await setUp(t, [3, 8], { etag: '"v1"' });
  await run();
  t.deepEqual(asked, [
    { range: null, ifRange: null },
    { range: 'bytes=3-', ifRange: '"v1"' },
  ]);
});

test('without ranges the file starts from the beginning, and bytes that arrive again are no progress', async (t) => {
  const whole = await setUp(t, [3, 8], { ranges: false });
  await whole.run();
  t.deepEqual(whole.progress, [3, 8]);
  const { run, asked } = await setUp(t, [3, 2, 3], { ranges: false });
  await t.throwsAsync(run(), { instanceOf: HubConnectionError });
  t.is(asked.length, 4);
});

test('a complete file is not requested', async (t) => {
  const { partial, run, asked } = await setUp(t, [8]);
  await partial.append(Buffer.from(TEXT), 'here');
  await run();
  t.deepEqual(asked, []);
});

test('a refusal or wrong content is not requested again', async (t) => {
  const partial = closing(t, await PartialFile.open(join(temporaryFolder(t), 'partial'), FILE));
  const settings = { cacheDir: '', endpoint: 'https://hub', token: undefined, offline: undefined };
  for (const [answer, instanceOf] of [
    [() => new Response('', { status: 404 }), HubError],
    [() => new Response(`${TEXT}more`), HubContentError],
  ] as const) {
    const asked: unknown[] = [];
    const client = new HubClient('org/name', settings, {
      fetch: async (url) => {
        asked.push(url);
        return answer();
      },
    });
    await t.throwsAsync(receive(partial, { client, commit: 'c'.repeat(40), file: FILE }), { instanceOf });
    t.is(asked.length, 1);
  }
});
