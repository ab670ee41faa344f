import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Connections } from '../../../../../engine/parallel/mpi/connections.ts';

/** Opens connections to a server at an address that, unless it is 127.0.0.1, counts as another host's. */
async function server(t: ExecutionContext): Promise<(host: string) => Promise<Socket>> {
  const accepting = createServer((socket) => socket.resume().on('error', () => {})).listen(0);
  t.teardown(() => accepting.close());
  await once(accepting, 'listening');
  return async (host) => {
    const { port } = accepting.address() as AddressInfo;
    const socket = connect({ port, host, localAddress: '127.0.0.1' }).resume();
    t.teardown(() => socket.destroy());
    await Promise.all([once(socket, 'connect'), once(accepting, 'connection')]);
    return socket;
  };
}

/**
 * Shuts a connection down from both ends. Closing its descriptor would not do: AVA's other threads start
 * processes, and from fork to exec each has a copy of the descriptor, which keeps the connection
 * established.
 */
async function shutDown(socket: Socket): Promise<void> {
  socket.end();
  await once(socket, 'close');
}

test.serial('a registered connection is reported as lost once it is closed', async (t) => {
  const open = await server(t);
  const connections = new Connections(() => {}, 1000);
  t.false(connections.poll());
  const socket = await open('127.0.0.2');
  t.false(connections.poll());
  t.false(connections.poll());
  await shutDown(socket);
  t.true(connections.poll());
  t.true(connections.poll(), 'it stays lost');
});

test.serial('connections of before, and those within this host, are not registered', async (t) => {
  const open = await server(t);
  const before = await open('127.0.0.2');
  const options: unknown[] = [];
  const connections = new Connections((...option) => options.push(option), 1000);
  const inside = await open('127.0.0.1');
  t.false(connections.poll());
  await Promise.all([shutDown(before), shutDown(inside)]);
  t.false(connections.poll());
  t.deepEqual(options, []);
});

test.serial('keepalive is enabled once for each connection', async (t) => {
  const open = await server(t);
  const options: number[][] = [];
  const connections = new Connections((...option) => options.push(option), 5000);
  await open('127.0.0.2');
  connections.poll();
  connections.poll();
  // Both ends of the connection are in this process.
  t.is(new Set(options.map(([descriptor]) => descriptor)).size, 2);
  const [first] = options[0];
  t.deepEqual(
    options.filter(([descriptor]) => descriptor === first).map(([, ...option]) => option),
    [
      [1, 9, 1],
      [6, 4, 3],
      [6, 5, 3],
      [6, 18, 5000],
    ],
  );
});
