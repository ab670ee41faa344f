import test from 'ava';
import * as errors from '../../../engine/errors.ts';

test('every error is a PlumblineError and goes by the name of its class', (t) => {
  const classes = Object.entries(errors);
  t.true(classes.length >= 10);
  for (const [name, ErrorClass] of classes) {
    const error = new ErrorClass('what was found');
    t.true(error instanceof errors.PlumblineError);
    t.true(error instanceof Error);
    t.is(error.name, name);
    t.is(String(error), `${name}: what was found`);
  }
});

test('an error keeps what caused it', (t) => {
  const cause = new Error('the disk');
  t.is(new errors.FileError('a file', { cause }).cause, cause);
});

test('a stack trace begins with the name and the message', (t) => {
  t.regex(new errors.ConfigError('no such key').stack ?? '', /^ConfigError: no such key\n\s+at /);
});
