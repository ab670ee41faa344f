import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { createApp } from '../../../../engine/server/app.ts';
import type { ServerContext } from '../../../../engine/server/context.ts';
import { Metrics } from '../../../../engine/server/metrics.ts';
import { OpenRequests } from '../../../../engine/server/open-requests.ts';
import { closing } from '../../../support/processes/cleanup.ts';
import { fakeEngine } from './fakes.ts';

const SEED = 20261129;

const requestLine = fc.constantFrom(
  ...['GET /health HTTP/1.1', 'GET /health HTTP/1.0', 'HEAD /health HTTP/1.1', 'POST /echo HTTP/1.1'],
  ...['CONNECT a:1 HTTP/1.1', 'OPTIONS * HTTP/1.1', 'BREW /pot HTTP/1.1', 'PRI * HTTP/2.0', 'GET  /x'],
);
const header = fc.constantFrom(
  ...['Host: x', 'Host: x', 'Content-Type: application/json', 'Connection: close', 'Content-Encoding: gzip'],
  ...['Content-Length: 3', 'Content-Length: -1', 'Transfer-Encoding: chunked', 'Expect: 100-continue'],
  ...['Expect: 9', 'Connection: upgrade\r\nUpgrade: websocket', 'X: \0', ': x', `X: ${'y'.repeat(20_000)}`],
);
const body = fc.constantFrom('', '{}', 'abc', '3\r\nabc\r\n0\r\n\r\n', 'zz\r\n', '{"ids": [1]}');
const request = fc
  .tuple(requestLine, fc.array(header, { maxLength: 4 }), body)
  .map(([line, headers, text]) => `${[line, ...headers].join('\r\n')}\r\n\r\n${text}`);
const sent = fc.oneof(
  fc.array(request, { minLength: 1, maxLength: 3 }).map((requests) => requests.join('')),
  fc.tuple(request, fc.nat()).map(([text, end]) => text.slice(0, 1 + (end % text.length))),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

test('a client that has sent anything and half closes its connection is answered, and the connection ends', async (t) => {
  const engine = fakeEngine();
  const app = createApp({
    context: { engine, servedModelName: 'fake', created: 1 } as unknown as ServerContext,
    metrics: new Metrics({ stats: () => engine.stats, numOpen: () => 0 }),
    ...{ open: new OpenRequests(), rules: {}, whyClosed: () => undefined, log: () => {} },
    handlers: { '/echo': async (given) => ({ given }) },
  });
  closing(t, app);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;

  async function answerTo(text: string, cut: number): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(text.slice(0, cut), 'latin1');
    socket.end(text.slice(cut), 'latin1');
    let answer = '';
    for await (const part of socket) answer += part;
    return answer;
  }

  await fc.assert(
    fc.asyncProperty(sent, fc.nat(200), async (text, cut) => {
      const answer = await answerTo(text, cut);
      // Node's parser skips line breaks before a request.
      if (/^[\r\n]*$/.test(text) && answer === '') return;
      if (!/^HTTP\/1\.1 (200|100|4\d\d) /.test(answer)) throw new Error(`answered ${JSON.stringify(answer)}`);
    }),
    { seed: SEED, numRuns: 300 },
  );
  t.pass();
});
