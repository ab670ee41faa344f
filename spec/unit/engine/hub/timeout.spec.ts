import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { mock } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { resolveModel } from '../../../../engine/hub/resolve-model.ts';
import { fetchInTime } from '../../../../engine/hub/timeout.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const HEADERS = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';

/** A server that answers each connection with a text and then stops sending. */
async function stallingServer(t: ExecutionContext, text: string) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    // The client may close the connection with a reset.
    socket.on('error', () => {}).once('data', () => socket.write(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing(t, {
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}/x`, sockets };
}

async function areClosed(sockets: Socket[]): Promise<boolean> {
  const deadline = Date.now() + 5000;
  const isDone = () => sockets.length > 0 && sockets.every((socket) => socket.destroyed);
  while (!isDone() && Date.now() < deadline) await sleep(5);
  return isDone();
}

test('a request that is not answered fails, names host and time limit, and closes the connection', async (t) => {
  const { url, host, sockets } = await stallingServer(t, '');
  await t.throwsAsync(fetchInTime(fetch, { answerTimeoutMs: 150 })(url), {
    instanceOf: HubError,
    message: `${url}: waited 0.15 s for ${host} to answer; try again later, or check the network and HF_ENDPOINT`,
  });
  t.true(await areClosed(sockets));
});

test('a body that stops fails, names host, bytes and time limit, and closes the connection', async (t) => {
  const { url, host, sockets } = await stallingServer(t, `${HEADERS}1234`);
  const response = await fetchInTime(fetch, { idleTimeoutMs: 50 })(url);
  await t.throwsAsync(response.text(), {
    instanceOf: HubError,
    message: `${url}: waited 0.05 s for ${host} to go on after 4 bytes of its answer; try again later, or check the network and HF_ENDPOINT`,
  });
  t.true(await areClosed(sockets));
});

test.serial(
  'by default a hub has 30 s to answer, and as many to go on; the host is that of the last redirect',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => mock.timers.reset());
    const until = async (pending: Promise<unknown>) => {
      const ended = pending.then(String, ({ message }: Error) => message);
      await turn();
      mock.timers.tick(3_600_000);
      return await ended;
    };
    const end = 'try again later, or check the network and HF_ENDPOINT';
    const silent: typeof fetch = () => new Promise(() => {});
    t.is(
      await until(fetchInTime(silent)('http://hub/x')),
      `http://hub/x: waited 30 s for hub to answer; ${end}`,
    );
    const stored = Object.defineProperty(new Response(new ReadableStream()), 'url', {
      value: 'http://disk/y',
    });
    const response = await fetchInTime(async () => stored)('http://hub/x');
    t.is(
      await until(response.text()),
      `http://hub/x: waited 30 s for disk to go on after 0 bytes of its answer; ${end}`,
    );
  },
);

test('a body may take longer than the time limits if its parts arrive within them', async (t) => {
  const slow = async function* () {
    for (let i = 0; i < 12; i++) {
      await sleep(100);
      yield Buffer.from('slow, ');
    }
  };
  const fake: typeof fetch = async () => new Response(ReadableStream.from(slow()));
  const response = await fetchInTime(fake, { answerTimeoutMs: 1000, idleTimeoutMs: 1000 })('http://hub/x');
  t.is(await response.text(), 'slow, '.repeat(12));
});

test('the time limit of a body starts when it is read', async (t) => {
  const late = new ReadableStream({
    start(controller) {
      setTimeout(() => {
        controller.enqueue(Buffer.from('late'));
        controller.close();
      }, 100);
    },
  });
  const response = await fetchInTime(async () => new Response(late), { idleTimeoutMs: 50 })('http://hub/x');
  await sleep(200);
  t.is(await response.text(), 'late');
});

// Serial, because timers of other tests would count.
test.serial('a finished request leaves no timer', async (t) => {
  const numTimers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = numTimers();
  t.is(await (await fetchInTime(async () => new Response('x'))('http://hub/x')).text(), 'x');
  t.true(numTimers() <= before);
});

test('a request leaves no listener on its signal, however many parts its answer has', async (t) => {
  const { signal } = new AbortController();
  const counts: number[] = [];
  const parts = async function* () {
    for (let i = 0; i < 20; i++) {
      counts.push(getEventListeners(signal, 'abort').length);
      yield Buffer.from('part');
    }
  };
  const fake: typeof fetch = async () => new Response(ReadableStream.from(parts()));
  await (await fetchInTime(fake, { signal })('http://hub/x')).text();
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.true(Math.max(...counts) <= 1, `listeners at each part: ${counts}`);
});

test('status, headers and an answer without a body pass through', async (t) => {
  const headers = { 'Retry-After': '7' };
  const busy = await fetchInTime(async () => new Response('busy', { status: 429, headers }))('http://hub/x');
  t.is(busy.status, 429);
  t.is(busy.headers.get('Retry-After'), '7');
  const empty = await fetchInTime(async () => new Response(null, { status: 204 }))('http://hub/x');
  t.is(empty.status, 204);
});

test('the signal ends the wait for an answer and for a body with its reason', async (t) => {
  for (const text of ['', `${HEADERS}1234`]) {
    const { url, sockets } = await stallingServer(t, text);
    const controller = new AbortController();
    const reason = new RangeError('enough');
    setTimeout(() => controller.abort(reason), 100);
    const send = fetchInTime(fetch, { signal: controller.signal });
    t.is(await t.throwsAsync(send(url).then((response) => response.text())), reason);
    t.true(await areClosed(sockets));
    t.is(await t.throwsAsync(send('http://never-asked.invalid')), reason);
  }
});

test('a signal between two reads ends a body at once', async (t) => {
  const { url, sockets } = await stallingServer(t, `${HEADERS}1234`);
  const controller = new AbortController();
  const reason = new RangeError('enough');
  const { body } = await fetchInTime(fetch, { signal: controller.signal, idleTimeoutMs: 1000 })(url);
  const reader = body!.getReader();
  await reader.read();
  controller.abort(reason);
  t.is(await t.throwsAsync(reader.read()), reason);
  t.true(await areClosed(sockets));
});

test('resolveModel fails at the time limit of a hub that does not answer', async (t) => {
  const { host } = await stallingServer(t, '');
  const env = { HF_ENDPOINT: `http://${host}`, HF_HUB_CACHE: temporaryFolder(t) };
  await t.throwsAsync(resolveModel('org/name', { files: ['config.json'], env, answerTimeoutMs: 50 }), {
    instanceOf: HubError,
    message: new RegExp(`^http://${host}/api/models/org/name/revision/main\\S*: waited 0.05 s for `),
  });
});
