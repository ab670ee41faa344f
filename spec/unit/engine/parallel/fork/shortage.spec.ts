import test from 'ava';
import { describeShortage } from '../../../../../engine/parallel/fork/shortage.ts';

test('an error of a shortage says what is short and which limit to raise', (t) => {
  const spawnError = Object.assign(new Error('spawn sh EMFILE'), { code: 'EMFILE' });
  t.is(
    describeShortage(spawnError),
    'spawn sh EMFILE: this process may open no more files; raise the limit: ulimit -n',
  );
  const workerError = Object.assign(new Error('Worker initialization failure: EMFILE'), {
    code: 'ERR_WORKER_INIT_FAILED',
  });
  t.regex(describeShortage(workerError), /EMFILE: this process may open no more files/);
  t.regex(
    describeShortage(Object.assign(new Error('fork'), { code: 'EAGAIN' })),
    /no more processes; .*ulimit -u/,
  );
});

test('any other error is its message', (t) => {
  t.is(describeShortage(Object.assign(new Error('spawn sh ENOENT'), { code: 'ENOENT' })), 'spawn sh ENOENT');
});
