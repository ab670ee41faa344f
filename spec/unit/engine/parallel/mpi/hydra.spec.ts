import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { checkHydra, finalizeHangs } from '../../../../../engine/parallel/mpi/hydra.ts';

const HYDRA = { PMI_FD: '3', MPI_LOCALNRANKS: '1' };
const URL_OF_HYDRA = import.meta.resolve('../../../../../engine/parallel/mpi/hydra.ts');

test('MPICH before 4.2 hangs in MPI_Finalize, under its own mpirun', (t) => {
  t.true(finalizeHangs('MPICH Version:\t4.0.2\nMPICH Device:\tch4:ucx', HYDRA));
  t.true(finalizeHangs('MPICH Version:      4.1', HYDRA));
  t.false(finalizeHangs('MPICH Version:\t4.2.0', HYDRA));
  t.false(finalizeHangs('MPICH Version:\t3.4.1', HYDRA));
  t.false(finalizeHangs('Intel(R) MPI Library 2021.9 for Linux* OS', HYDRA));
  t.false(finalizeHangs('Open MPI v4.1.4', HYDRA));
  t.false(finalizeHangs('MPICH Version:\t4.0.2', { PMI_FD: '3' }), 'another launcher');
  t.false(finalizeHangs('MPICH Version:\t4.0.2', {}));
});

test('a socket of mpirun that is not open is an error that says how to start the command', async (t) => {
  const file = openSync(import.meta.filename, 'r');
  t.teardown(() => closeSync(file));
  for (const descriptor of [String(file), '9999', 'none']) {
    t.throws(() => checkHydra({ PMI_FD: descriptor }), {
      instanceOf: GroupError,
      message: new RegExp(
        `^mpirun's socket, file descriptor ${descriptor} \\(PMI_FD\\), is not open .* without npx or npm`,
      ),
    });
  }
  t.notThrows(() => checkHydra({}));
  const server = createServer();
  t.teardown(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  t.notThrows(() => checkHydra({ PMI_FD: String(fd) }));
});

test('leaveHydra sends the finalize command and waits for the answer', async (t) => {
  const script = `const { leaveHydra } = await import('${URL_OF_HYDRA}'); leaveHydra({ PMI_FD: '3' }); console.log('left');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout?.on('data', (data) => {
    printed += data;
  });
  const launcher = child.stdio[3] as Duplex;
  t.is(String((await once(launcher, 'data'))[0]), 'cmd=finalize\n');
  t.is(printed, '');
  launcher.write('cmd=finalize_ack\n');
  t.deepEqual(await once(child, 'close'), [0, null]);
  t.is(printed, 'left\n');
});
