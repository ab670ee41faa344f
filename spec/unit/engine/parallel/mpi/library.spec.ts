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

const notFound = (path: string): Library => {
  throw new Error(`${path} is not there`);
};

test('the library of the mpirun that started this process is tried first', (t) => {
  t.is(candidates({})[0], 'libmpich.so.12');
  t.is(candidates({ OMPI_COMM_WORLD_SIZE: '2' })[0], 'libmpi.so.40');
  t.deepEqual(candidates({}).toSorted(), candidates({ OMPI_COMM_WORLD_SIZE: '2' }).toSorted());
});

test('a library that the variable names is the only one tried', (t) => {
  t.deepEqual(candidates({ PLUMBLINE_MPI_LIBRARY: '/opt/libmpi.so', OMPI_COMM_WORLD_SIZE: '2' }), [
    '/opt/libmpi.so',
  ]);
});

test('the first library that opens is used', (t) => {
  const library: Library = { func: () => () => 0, symbol: () => 0 };
  const load = (path: string) => (path === 'libmpi.so.40' ? library : notFound(path));
  t.is(findLibrary(load, {}), library);
});

test('a missing library is an error that names the packages to install', (t) => {
  const error = t.throws(() => findLibrary(notFound, {}), { instanceOf: GroupError });
  t.regex(
    error?.message ?? '',
    /libmpich\.so\.12: libmpich\.so\.12 is not there; .*apt install mpich, or openmpi-bin/,
  );
  t.regex(error?.message ?? '', /or set PLUMBLINE_MPI_LIBRARY to the library's path/);
});

test('a missing koffi is an error with the command that installs it', async (t) => {
  await t.throwsAsync(importKoffi('no-such-koffi'), {
    instanceOf: GroupError,
    message:
      'Cannot import no-such-koffi, through which MPI is called; install it: npm install no-such-koffi',
  });
});

test('koffi throws if a library does not exist', async (t) => {
  const load = await importKoffi();
  t.throws(() => load('libnothing.so.0'), { message: /cannot open|libnothing/ });
});

test('socketOptions sets an option of a socket through the C library', async (t) => {
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
