import { type AddressInfo, connect } from 'node:net';
import test from 'ava';
import { makeApp } from './making-app.ts';

test('a body that is too large is dropped, and its connection goes on', async (t) => {
  const { app } = makeApp(t, { maxBodyBytes: 1000 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8');
  const large = ' '.repeat(2 ** 20);
  socket.write(
    `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
  );
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const part of socket) text += part;
  t.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 413', 'HTTP/1.1 200'], text);
});

test('every unusual request is answered in the form of the API', async (t) => {
  const { app } = makeApp(t, { maxBodyBytes: 1000 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const post = (headers: string, body: string | Buffer = '{"ids": []}') =>
    Buffer.concat([
      Buffer.from(
        `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
      Buffer.from(body),
    ]);
  for (const [status, request] of [
    [405, 'CONNECT /echo HTTP/1.1\r\nHost: x\r\n\r\n'],
    [400, 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    [200, 'GET /health HTTP/1.0\r\n\r\n'],
    [417, post('Expect: x\r\n')],
    [415, post('Content-Encoding: gzip\r\n')],
    [200, post('Content-Encoding: Identity\r\n')],
    [400, post('', Buffer.from([0x22, 0xff, 0x22]))],
  ] as const) {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    socket.write(request);
    let text = '';
    for await (const part of socket) text += part;
    const name = String(request).slice(0, 200);
    t.true(text.startsWith(`HTTP/1.1 ${status} `), `${name}: ${text}`);
    t.regex(text, /^content-type: application\/json; charset=utf-8\r$/im, name);
    if (status !== 200) t.true(text.includes(`"code":${status}`), `${name}: ${text}`);
  }
});

test('a connection that is refused closes, though the client sends more and does not close it', async (t) => {
  const { app } = makeApp(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  for (const [status, first] of [
    [405, 'CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\nmore'],
    [400, 'GARBAGE\r\n\r\n'],
  ] as const) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8');
    socket.on('error', () => {}).write(first);
    let text = '';
    for await (const part of socket) {
      text += part;
      socket.write('and more');
    }
    t.true(text.startsWith(`HTTP/1.1 ${status} `), text);
    t.teardown(() => socket.destroy());
  }
  const reset = connect(port, '127.0.0.1').on('error', () => {});
  await new Promise<void>((sent) => reset.write('CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n', () => sent()));
  reset.resetAndDestroy();
  // Without a listener for errors of the socket, the process would end here.
  t.is((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
  // Resolves when all connections have closed.
  await app.close();
});
