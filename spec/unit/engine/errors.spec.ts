import test from 'ava';
import * as errors from '../../../engine/errors.ts';

const { EngineBusyError, EngineClosedError, Interrupted, OptionError, show, escapeControls, ...others } =
  errors;
const MESSAGE = 'what was found';

test('an error is a PlumblineError and goes by the name of its class', (t) => {
  const all: [string, errors.PlumblineError, string][] = [
    ...Object.entries(others).map(([name, ErrorClass]): [string, errors.PlumblineError, string] => [
      name,
      new ErrorClass(MESSAGE),
      MESSAGE,
    ]),
    ['OptionError', new OptionError('tp', 1.5, 'a whole number'), 'tp is 1.5; expected a whole number'],
    [
      'EngineBusyError',
      new EngineBusyError('close()'),
      'close() was called while a step is computed; call it after the observer or tokenizer has returned',
    ],
    [
      'EngineClosedError',
      new EngineClosedError(),
      'the engine is closed and its memory released; load it again',
    ],
    ['Interrupted', new Interrupted('SIGTERM'), 'interrupted by SIGTERM'],
  ];
  t.is(all.length, Object.keys(others).length + 4);
  for (const [name, error, message] of all) {
    t.true(error instanceof errors.PlumblineError);
    t.true(error instanceof Error);
    t.is(error.name, name);
    t.is(String(error), `${name}: ${message}`);
  }
});

test('an error keeps what caused it', (t) => {
  const cause = new Error('the disk');
  t.is(new errors.FileError('a file', { cause }).cause, cause);
});

test('a stack trace begins with the name and the message', (t) => {
  t.regex(new errors.ConfigError('no such key').stack ?? '', /^ConfigError: no such key\n\s+at /);
});

test('a model that may not be downloaded is an error of the hub', (t) => {
  t.true(new errors.HubOfflineError('offline') instanceof errors.HubError);
});

test('an interrupted command ends with 128 and the number of its signal', (t) => {
  t.is(new Interrupted('SIGINT').exitCode, 130);
  t.is(new Interrupted('SIGTERM').exitCode, 143);
});

test('an OptionError has the option, the value found and what was expected', (t) => {
  t.like(new OptionError('topK', -1, 'a whole number, 0 or more'), {
    option: 'topK',
    found: -1,
    expected: 'a whole number, 0 or more',
  });
});

const SHOWN: [found: unknown, shown: string][] = [
  ['a "b"', '"a \\"b\\""'],
  ['', '""'],
  ['x'.repeat(61), `'${'x'.repeat(60)}'... 1 more character`],
  [Number.NaN, 'NaN'],
  [5n, '5n'],
  [Symbol('s'), 'Symbol(s)'],
  [null, 'null'],
  [{ a: { b: { c: 1 } } }, '{ a: { b: [Object] } }'],
  [new Array(20).fill(1), '[ 1, 1, 1, 1, 1, 1, 1, 1, ... 12 more items ]'],
  ['\u001b[31m\u202e\u2028\u0085', '"\\u001b[31m\\u202e\\u2028\\u0085"'],
  [{ '\u001b': '\u009b' }, "{ '\\x1B': '\\x9B' }"],
];
for (const [found, shown] of SHOWN) {
  test(`an OptionError shows the value in one line: ${shown}`, (t) => {
    t.is(new OptionError('stop', found, 'strings').message, `stop is ${shown}; expected strings`);
  });
}

test('an OptionError shows a value that refers to itself, or describes itself wrongly', (t) => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  t.regex(new OptionError('stop', circle, 'strings').message, /^stop is .*Circular/);
  const liar = {
    [Symbol.for('nodejs.util.inspect.custom')]: () => {
      throw new Error('unreachable');
    },
  };
  t.notThrows(() => new OptionError('stop', liar, 'strings'));
});

test('a value is shown in about 200 characters, however wide or deep it is', (t) => {
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, 'x'.repeat(50)]));
  t.is(show(wide).length, 201);
  t.is(show(JSON.parse(`${'['.repeat(1e5)}${']'.repeat(1e5)}`)), '[ [ [Array] ] ]');
});

test('a message with control characters is escaped, and keeps its lines', (t) => {
  t.is(escapeControls('a\u001b[2J\nb\u0000é\u202e'), 'a\\u001b[2J\nb\\u0000é\\u202e');
});
