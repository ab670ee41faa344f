import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { Connection, ConnectionError } from '../../../../../verify/adapters/http/exchange.ts';
import { closing, trackResources } from '../../../../support/processes/cleanup.ts';
import { LOCALHOST } from '../../../../support/servers/localhost-certificate.ts';

trackResources(test);

const LIMITS = { timeoutMs: 30_000, maxBytes: 1000 };
const GET = { method: 'GET', path: '/a' } as const;

/** A server that answers with the path, and how many connections came to it. */
async function start(t: ExecutionContext) {
  const server = createServer(LOCALHOST, (request, response) => response.end(request.url));
  let connections = 0;
  server.on('secureConnection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing(t, { close: () => server.close() });
  const { port } = server.address() as AddressInfo;
  const connection = closing(t, new Connection(new URL(`https://127.0.0.1:${port}/v1`)));
  return { connection, count: () => connections };
}

test.serial('a server whose certificate has no known authority is not asked', async (t) => {
  const { connection } = await start(t);
  await t.throwsAsync(connection.send(GET, 'probe', LIMITS), {
    instanceOf: ConnectionError,
    message: /^probe: the connection failed: self-signed certificate\b.*; expected an answer$/,
  });
});

test.serial('requests to a server with a trusted certificate share a connection', async (t) => {
  const before = getCACertificates('default');
  t.teardown(() => setDefaultCACertificates(before));
  setDefaultCACertificates([...before, LOCALHOST.cert]);
  const { connection, count } = await start(t);
  for (let i = 0; i < 3; i++) {
    t.like(await connection.send(GET, 'probe', LIMITS), { status: 200, text: '/v1/a' });
  }
  t.is(count(), 1);
});
