import test from 'ava';
import { FileError, ResourceError } from '../../../../engine/errors.ts';
import {
  describeCode,
  describeShortage,
  namedShortage,
  shortageIn,
} from '../../../../engine/terminal/shortage.ts';

const withCode = (message: string, code: string, more = {}) =>
  Object.assign(new Error(message), { code, ...more });

test('an error of a shortage says what is short and which limit to raise', (t) => {
  t.is(
    describeShortage(withCode('spawn sh EMFILE', 'EMFILE')),
    'spawn sh EMFILE: this process may open no more files; raise the limit: ulimit -n',
  );
  const workerError = withCode('Worker initialization failure: EMFILE', 'ERR_WORKER_INIT_FAILED');
  t.regex(describeShortage(workerError), /EMFILE: this process may open no more files/);
  t.regex(describeShortage(withCode('fork', 'EAGAIN')), /no more processes and threads; .*ulimit -u/);
});

test('an error without a code is known by its words', (t) => {
  t.is(
    describeShortage(new Error('Cannot read package config /a/package.json: too many open files.')),
    'Cannot read package config /a/package.json: too many open files: this process may open no more files; ' +
      'raise the limit: ulimit -n',
  );
});

test('any other error is its message', (t) => {
  t.is(describeShortage(withCode('spawn sh ENOENT', 'ENOENT')), 'spawn sh ENOENT');
  t.is(describeCode(withCode('open', 'ENOENT')), 'ENOENT');
});

test('the code of an error is followed by what to do', (t) => {
  t.is(describeCode(withCode('open', 'ENFILE')).split(';')[0], 'ENFILE: the system may open no more files');
});

for (const [line, remedy] of [
  ['node[3223]: pthread_create: Resource temporarily unavailable', /ulimit -u$/],
  ['  #  Assertion failed: (0) == (uv_thread_create(t.get(), start_thread, this))', /ulimit -u$/],
  ['/tmp: 3: Cannot fork', /ulimit -u$/],
  ['# Fatal process out of memory: Failed to reserve virtual memory for CodeRange', /ulimit -v$/],
  ['RangeError: Array buffer allocation failed', /ulimit -v$/],
  [
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    /max-old-space-size=MEGABYTES, or ulimit -v/,
  ],
] as const) {
  test(`what a process prints as it breaks names a shortage: ${line}`, (t) => {
    t.regex(shortageIn(line) ?? '', remedy);
  });
}

test('a line that names none has none', (t) => {
  t.is(shortageIn('TypeError: x is undefined'), undefined);
});

test('an unexpected error gets a class if a shortage is the reason', (t) => {
  const cause = withCode("EMFILE: too many open files, open '/a.ts'", 'EMFILE');
  const named = namedShortage(cause) as ResourceError;
  t.true(named instanceof ResourceError);
  t.regex(named.message, /^EMFILE: too many open files, open '\/a\.ts': .*ulimit -n$/);
  t.is(named.cause, cause);
});

test('any other error stays as it is', (t) => {
  const others = [
    new TypeError('x is undefined'),
    new FileError('cannot read a (EMFILE)'),
    withCode('EAGAIN: resource temporarily unavailable, read', 'EAGAIN', { syscall: 'read' }),
    withCode('Worker terminated: JS heap out of memory', 'ERR_WORKER_OUT_OF_MEMORY'),
    'EMFILE',
  ];
  for (const error of others) t.is(namedShortage(error), error);
});
