import test from 'ava';
import { InvalidArgumentError } from 'commander';
import {
  decimal,
  logitBias,
  portNumber,
  positiveWholeNumber,
  repeatable,
  seconds,
  wholeNumber,
} from '../../../../engine/cli/arguments.ts';

function refuses<T>(parse: (text: string) => T, message: string | RegExp, ...texts: string[]) {
  return test(`${parse.name} refuses ${texts.map((text) => JSON.stringify(text)).join(', ')}`, (t) => {
    for (const text of texts)
      t.throws(() => parse(text), { instanceOf: InvalidArgumentError, message }, text);
  });
}

test('numbers are parsed exactly', (t) => {
  t.is(positiveWholeNumber('16'), 16);
  t.is(wholeNumber('0'), 0);
  t.is(wholeNumber('9007199254740991'), Number.MAX_SAFE_INTEGER);
  t.deepEqual(['0.7', '-1.5', '1e-3', '0'].map(decimal), [0.7, -1.5, 0.001, 0]);
  t.deepEqual(['0', '8000', '65535'].map(portNumber), [0, 8000, 65_535]);
  t.deepEqual(
    ['0', '1.5', '1.001', '1.0015', '2147483', '2147483.647'].map(seconds),
    [0, 1500, 1001, 1002, 2_147_483_000, 2_147_483_647],
  );
});

refuses(positiveWholeNumber, 'It must be a positive whole number.', '0', '-1', '1.5', '', '9007199254740992');
refuses(wholeNumber, 'It must be a whole number, 0 or more.', '-1', '1.5', '', ' 1', '9007199254740992');
refuses(decimal, 'It must be a number.', '', ' ', 'hot', 'NaN', 'Infinity', '1,5');
refuses(portNumber, 'It must be a port, 0 to 65535.', '65536', '99999999');
refuses(seconds, 'It must be a number of seconds, 0 to 2147483.', '-1', '2147483.648', '2147484', '1e300');
refuses(logitBias, 'It must be ID:BIAS, such as 42:-100.', '42', '42:', ':1', '-1:1', 'a:1');
refuses(logitBias, 'It must be a number.', '42:hot');

test('a flag that is given several times has all its values, in order', (t) => {
  const ids = repeatable(wholeNumber);
  t.deepEqual(ids('3', ids('1')), [1, 3]);
});

test('biases are collected by token, one for each', (t) => {
  t.deepEqual(logitBias('7:0.5', logitBias('42:-100')), { 7: 0.5, 42: -100 });
  t.throws(() => logitBias('042:1', { 42: -100 }), { message: 'Token 42 has a bias already.' });
  t.throws(() => logitBias('42:1', logitBias('42:0')), { message: 'Token 42 has a bias already.' });
});
