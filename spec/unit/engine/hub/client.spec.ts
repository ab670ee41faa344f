import { Readable } from 'node:stream';
import test from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { HubClient } from '../../../../engine/hub/client.ts';
import type { HubFile } from '../../../../engine/hub/file.ts';

const COMMIT = 'ab'.repeat(20);
const GIT_OID = 'ce013625030ba8dba906f756967f9e9ca394464a';
const SHA256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const FILE: HubFile = { path: 'a b/model#1.onnx', size: 3, lfs: true, oid: SHA256 };

function clientOf(answer: (url: string, init?: RequestInit) => Response, signal?: AbortSignal): HubClient {
  const settings = { cacheDir: '', endpoint: 'https://hub', token: 'no-hf-prefix', offline: undefined };
  return new HubClient('org/name', settings, {
    fetch: async (url, init) => answer(String(url), init),
    signal,
  });
}

async function read(client: HubClient): Promise<string> {
  const { content } = await client.open(COMMIT, FILE, { offset: 0 });
  return Buffer.concat(await Readable.from(content).toArray()).toString();
}

test('the request for a branch escapes its name', async (t) => {
  const urls: string[] = [];
  const client = clientOf((url) => {
    urls.push(url);
    return Response.json({ sha: COMMIT });
  });
  t.is(await client.commitOf('refs/pr/1'), COMMIT);
  t.true(urls[0].startsWith('https://hub/api/models/org/name/revision/refs%2Fpr%2F1?'), urls[0]);
  t.true(new URL(urls[0]).searchParams.getAll('expand').includes('sha'));
});

test('files are returned in the requested order, with the hash of their content', async (t) => {
  const client = clientOf((url, init) => {
    t.is(url, `https://hub/api/models/org/name/paths-info/${COMMIT}`);
    t.deepEqual(JSON.parse(String(init?.body)).paths, ['w.safetensors', 'config.json', 'onnx', 'absent']);
    return Response.json([
      { type: 'file', path: 'config.json', size: 6, oid: GIT_OID, lfs: null },
      { type: 'directory', path: 'onnx', size: 0, oid: GIT_OID },
      { type: 'file', path: '../../unasked', size: 6, oid: GIT_OID },
      {
        type: 'file',
        path: 'w.safetensors',
        size: 9,
        oid: GIT_OID,
        lfs: { oid: SHA256, size: 3, pointerSize: 9 },
      },
    ]);
  });
  t.deepEqual(await client.filesAt(COMMIT, ['w.safetensors', 'config.json', 'onnx', 'absent']), [
    { path: 'w.safetensors', size: 3, lfs: true, oid: SHA256 },
    { path: 'config.json', size: 6, lfs: false, oid: GIT_OID },
  ]);
});

test('of a folder, the files with the ending are found, and nothing that only has its name', async (t) => {
  const of = (path: string, type = 'file') => ({ type, path, size: 6, oid: GIT_OID });
  const client = clientOf((url) =>
    Response.json(
      url.includes('/paths-info/')
        ? [of('templates', 'directory'), of('a/b', 'directory')]
        : url.includes('/tree/') && url.includes('/templates')
          ? [
              of('templates/a.jinja'),
              of('templates/b.jinja', 'directory'),
              of('templates/c.txt'),
              of('templates/..jinja'),
              of('templates/d/e.jinja'),
              of('other/f.jinja'),
            ]
          : [of('a/b/g.jinja')],
    ),
  );
  const found = await client.filesAt(COMMIT, ['templates/*.jinja', 'a/b/*.jinja']);
  t.deepEqual(
    found.map(({ path }) => path),
    ['templates/a.jinja', 'a/b/g.jinja'],
  );
});

test('a hash that would be a path outside the cache is refused', async (t) => {
  await t.throwsAsync(clientOf(() => Response.json({ sha: '../../../etc' })).commitOf('main'), {
    instanceOf: HubError,
    message: /^https:\/\/hub: does not answer as a HuggingFace hub does/,
  });
  for (const broken of [
    { oid: '../../config' },
    { oid: GIT_OID, lfs: { oid: '../x', size: 6, pointerSize: 9 } },
    { oid: GIT_OID, size: -1 },
    { oid: undefined },
  ]) {
    const client = clientOf(() => Response.json([{ type: 'file', path: 'config.json', size: 6, ...broken }]));
    await t.throwsAsync(client.filesAt(COMMIT, ['config.json']), {
      instanceOf: HubError,
      message: /does not answer as a HuggingFace hub does .* check HF_ENDPOINT/s,
    });
  }
});

test('an error for a log-in page in place of the hub suggests it', async (t) => {
  const client = clientOf(() => new Response('<html>Welcome to our Wi-Fi</html>'));
  const expected = { instanceOf: HubError, message: /does not answer as .*log-in page/s };
  await t.throwsAsync(client.commitOf('main'), expected);
  await t.throwsAsync(client.filesAt(COMMIT, ['config.json']), expected);
});

test('a refusal passes through as it is', async (t) => {
  const client = clientOf(() => new Response('', { status: 404 }));
  await t.throwsAsync(client.commitOf('main'), { instanceOf: HubError, message: /answered 404/ });
});

test('a file is requested from its commit, uncompressed, with every part of its path escaped', async (t) => {
  const url = `https://hub/org/name/resolve/${COMMIT}/a%20b/model%231.onnx`;
  const client = clientOf((requested, init) => {
    t.is(requested, url);
    t.is(new Headers(init?.headers).get('Accept-Encoding'), 'identity');
    return new Response('abc');
  });
  t.is(client.urlOf(COMMIT, FILE), url);
  t.is(await read(client), 'abc');
});

test('the error of a broken connection says how many bytes have arrived', async (t) => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('ab')),
    pull: (controller) =>
      controller.error(new TypeError('terminated', { cause: new Error('other side closed') })),
  });
  await t.throwsAsync(read(clientOf(() => new Response(body))), {
    instanceOf: HubError,
    message: /model%231\.onnx, after 2 of 3 bytes: cannot be fetched \(other side closed\)/,
  });
});

test('the reason of a signal is thrown as it is, while the hub is asked and while it sends a file', async (t) => {
  const asks = {
    commitOf: (client: HubClient) => client.commitOf('main'),
    filesAt: (client: HubClient) => client.filesAt(COMMIT, ['config.json']),
    read,
  };
  for (const [name, ask] of Object.entries(asks)) {
    const [reason, controller] = [new RangeError('enough'), new AbortController()];
    const answer = () => new Response(new ReadableStream({ pull: () => controller.abort(reason) }));
    t.is(await t.throwsAsync(ask(clientOf(answer, controller.signal))), reason, name);
  }
});

test('a response without a body is an empty file', async (t) => {
  t.is(await read(clientOf(() => new Response(null))), '');
});

test('the rest of a file is requested on the condition that its ETag is the same', async (t) => {
  const asked: (string | null)[][] = [];
  const client = clientOf((_url, init) => {
    const headers = new Headers(init?.headers);
    asked.push(['Range', 'If-Range'].map((name) => headers.get(name)));
    const answer = { 'Content-Range': 'bytes 1-2/3', ETag: asked.length === 1 ? '"strong"' : 'W/"weak"' };
    return new Response('bc', { status: 206, headers: answer });
  });
  const { offset, etag } = await client.open(COMMIT, FILE, { offset: 1 });
  t.deepEqual([offset, etag], [1, '"strong"']);
  t.is((await client.open(COMMIT, FILE, { offset: 1, etag })).etag, undefined);
  await t.throwsAsync(client.open(COMMIT, FILE, { offset: 0, etag }), { instanceOf: HubError });
  t.deepEqual(asked, [
    ['bytes=1-', null],
    ['bytes=1-', '"strong"'],
    // The whole file has no condition.
    [null, null],
  ]);
});

/** Bodies that are neither read nor cancelled hold their connections. */
let unread = 0;
const part = (range: string) => () => {
  unread++;
  const body = new ReadableStream({ cancel: () => void unread-- });
  return new Response(body, { status: 206, headers: { 'Content-Range': range } });
};

test('if the hub answers with another range, the whole file is requested', async (t) => {
  for (const useless of [
    part('bytes 2-2/3'),
    part('bytes 1-2/4'),
    part('bytes 1-2/*'),
    part(''),
    () => new Response(null, { status: 416 }),
  ]) {
    const client = clientOf((_url, init) =>
      new Headers(init?.headers).has('Range') ? useless() : new Response('abc'),
    );
    t.is((await client.open(COMMIT, FILE, { offset: 1 })).offset, 0);
  }
  const whole = clientOf(() => new Response('abc'));
  t.is((await whole.open(COMMIT, FILE, { offset: 1 })).offset, 0);
  t.is(unread, 0);
});

test('a part that was not requested is refused', async (t) => {
  await t.throwsAsync(clientOf(part('bytes 1-2/3')).open(COMMIT, FILE, { offset: 0 }), {
    instanceOf: HubError,
    message: /model%231\.onnx: answered 206 with a part that was not requested; check HF_ENDPOINT$/,
  });
  t.is(unread, 0);
});
