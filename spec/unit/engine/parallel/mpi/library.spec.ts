import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import {
  candidates,
  findLibrary,
  importKoffi,
  type Library,
  socketOptions,
} from '../../../../../engine/parallel/mpi/library.ts';

const none = (path: string): Library => {
  throw new Error(`${path} is not there`);
};

test('the library of the mpirun that started this process is tried first', (t) => {
  t.is(candidates({})[0], 'libmpich.so.12');
  t.is(candidates({ OMPI_COMM_WORLD_SIZE: '2' })[0], 'libmpi.so.40');
  t.deepEqual(candidates({}).toSorted(), candidates({ OMPI_COMM_WORLD_SIZE: '2' }).toSorted());
});

test('a library that is named is the only one tried', (t) => {
  t.deepEqual(candidates({ PLUMBLINE_MPI_LIBRARY: '/opt/libmpi.so', OMPI_COMM_WORLD_SIZE: '2' }), [
    '/opt/libmpi.so',
  ]);
});

test('the first library that opens is taken', (t) => {
  const library: Library = { func: () => () => 0, symbol: () => 0 };
  const load = (path: string) => (path === 'libmpi.so.40' ? library : none(path));
  t.is(findLibrary(load, {}), library);
});

test('without a library, the packages that have one are named', (t) => {
  const error = t.throws(() => findLibrary(none, {}), { instanceOf: GroupError });
  t.regex(
    error?.message ?? '',
    /libmpich\.so\.12: libmpich\.so\.12 is not there; .*apt install mpich, or openmpi-bin/,
  );
  t.regex(error?.message ?? '', /or name the library in PLUMBLINE_MPI_LIBRARY/);
});

test('without koffi, it is named', async (t) => {
  await t.throwsAsync(importKoffi('no-such-koffi'), {
    instanceOf: GroupError,
    message: 'MPI is called through the package no-such-koffi: npm install no-such-koffi',
  });
});

test('koffi opens a library of the system, or says that it cannot', async (t) => {
  const load = await importKoffi();
  t.throws(() => load('libnothing.so.0'), { message: /cannot open|libnothing/ });
});

test('options of a socket are set by the C library', async (t) => {
  const libc = (await importKoffi())('libc.so.6');
  const server = createServer().listen(0);
  t.teardown(() => server.close());
  await once(server, 'listening');
  const [SOL_SOCKET, SO_PRIORITY] = [1, 12];
  const getsockopt = libc.func('int getsockopt(int, int, int, void *, void *)');
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  socketOptions(libc)(fd, SOL_SOCKET, SO_PRIORITY, 5);
  const found = new Int32Array(1);
  t.is(getsockopt(fd, SOL_SOCKET, SO_PRIORITY, found, Int32Array.of(4)), 0);
  t.is(found[0], 5);
});
