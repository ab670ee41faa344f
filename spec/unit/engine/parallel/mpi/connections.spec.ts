import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Connections } from '../../../../../engine/parallel/mpi/connections.ts';

/** Opens connections to a server, from another address than its own if it is to look like another host's. */
async function server(t: ExecutionContext): Promise<(host: string) => Promise<Socket>> {
  const accepting = createServer((socket) => socket.resume().on('error', () => {})).listen(0);
  t.teardown(() => accepting.close());
  await once(accepting, 'listening');
  return async (host) => {
    const { port } = accepting.address() as AddressInfo;
    const socket = connect({ port, host, localAddress: '127.0.0.1' });
    t.teardown(() => socket.destroy());
    await Promise.all([once(socket, 'connect'), once(accepting, 'connection')]);
    return socket;
  };
}

async function close(socket: Socket): Promise<void> {
  socket.destroy();
  await once(socket, 'close');
}

test.serial('a connection that was seen is missed once it is gone', async (t) => {
  const open = await server(t);
  const connections = new Connections(() => {}, 1000);
  t.false(connections.look());
  const socket = await open('127.0.0.2');
  t.false(connections.look());
  t.false(connections.look());
  await close(socket);
  t.true(connections.look());
  t.true(connections.look(), 'it stays lost');
});

test.serial('what was open before is not looked after, nor what stays on this host', async (t) => {
  const open = await server(t);
  const before = await open('127.0.0.2');
  const options: unknown[] = [];
  const connections = new Connections((...option) => options.push(option), 1000);
  const inside = await open('127.0.0.1');
  t.false(connections.look());
  await Promise.all([close(before), close(inside)]);
  t.false(connections.look());
  t.deepEqual(options, []);
});

test.serial('the system is asked once to look after a connection', async (t) => {
  const open = await server(t);
  const options: number[][] = [];
  const connections = new Connections((...option) => options.push(option), 5000);
  await open('127.0.0.2');
  connections.look();
  connections.look();
  // Either end is in this process.
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
