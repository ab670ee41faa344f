import { once } from 'node:events';
import test from 'ava';
import { ResourceError } from '../../../../engine/errors.ts';
import { startThread } from '../../../../engine/terminal/start-thread.ts';

const PROGRAM = new URL('data:text/javascript,');
const MEBIBYTE = 2 ** 20;

test('a thread is not started where V8 would abort the process for want of address space', (t) => {
  t.throws(() => startThread(PROGRAM, {}, 639 * MEBIBYTE), {
    instanceOf: ResourceError,
    message: 'a thread needs 640 MiB of address space, and 639 MiB are left; raise the limit: ulimit -v',
  });
});

test('a thread that has not reserved its address space yet is counted', async (t) => {
  const thread = startThread(PROGRAM, {}, 640 * MEBIBYTE);
  t.throws(() => startThread(PROGRAM, {}, 1279 * MEBIBYTE), { message: /, and 639 MiB are left;/ });
  await once(thread, 'exit');
  await once(startThread(PROGRAM, {}, 640 * MEBIBYTE), 'exit');
});

test('a thread that the user may not start is an error that says which limit to raise', (t) => {
  const error = Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
  const options = {
    get workerData(): never {
      throw error;
    },
  };
  t.throws(() => startThread(PROGRAM, options), {
    instanceOf: ResourceError,
    message: /^a thread could not be started: EAGAIN: .*ulimit -u$/,
  });
});
