import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { describeError } from '../../../../engine/terminal/describe-error.ts';

test('a PlumblineError is its message', (t) => {
  t.is(describeError(new FileError('cannot read a.json')), 'cannot read a.json');
  // A file's name may have been chosen to write on the terminal.
  t.is(describeError(new FileError('cannot read \u001b[2J\nin b')), 'cannot read \\u001b[2J\nin b');
});

test('any other error names its class and the option that shows where', (t) => {
  t.is(
    describeError(new TypeError('x is undefined')),
    'unexpected TypeError: x is undefined; --debug shows where',
  );
  t.is(
    describeError(new TypeError('no \u001b[2J')),
    'unexpected TypeError: no \\u001b[2J; --debug shows where',
  );
  t.is(describeError('a string'), 'unexpected a string; --debug shows where');
});

test('an error of a shortage says what is short, whatever its class', (t) => {
  const error = Object.assign(new Error("EMFILE: too many open files, open '/a.ts'"), { code: 'EMFILE' });
  t.is(
    describeError(error),
    "EMFILE: too many open files, open '/a.ts': this process may open no more files; raise the limit: ulimit -n",
  );
  t.regex(describeError(error, true), /^Error: EMFILE.*\n {4}at /);
});

test('with debug, an error has its stack trace and its causes', (t) => {
  const cause = new RangeError('inner');
  const text = describeError(new FileError('outer', { cause }), true);
  t.regex(text, /^FileError: outer\n {4}at .*describe-error\.spec\.ts/);
  t.true(describeError(new FileError('\u001b[2J'), true).startsWith('FileError: \\u001b[2J\n'));
  t.regex(text, /RangeError: inner\n {6}at .*describe-error\.spec\.ts/);
});
