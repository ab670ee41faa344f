import test from 'ava';
import { OptionError } from '../../../../../engine/errors.ts';
import { checkJsonValue } from '../../../../../engine/server/chat/json-value.ts';

const nested = (levels: number): unknown =>
  JSON.parse(`${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`);

test('a lone surrogate is refused wherever it stands, and a pair is not', (t) => {
  t.notThrows(() => checkJsonValue('tools[0]', { '😀': ['😀', 1, null, true] }));
  for (const value of ['\ud800', ['\udc00'], { a: { b: ['x\ud83d'] } }, { '\ud800': 1 }]) {
    const error = t.throws(() => checkJsonValue('tools[0]', value), { instanceOf: OptionError });
    t.is(error.option, 'tools[0]');
    t.is(error.expected, 'texts without lone surrogates');
  }
});

test('values that JSON.parse would lose are looked through', (t) => {
  t.notThrows(() => checkJsonValue('tools[0]', new Map<string, unknown>([['10', [10n ** 20n, Object(1)]]])));
  t.throws(() => checkJsonValue('tools[0]', new Map([['10', '\ud800']])), { instanceOf: OptionError });
});

test('a hundred levels are taken, more are refused, a million without an overflow', (t) => {
  t.notThrows(() => checkJsonValue('tools[0]', nested(100)));
  for (const levels of [102, 1e6]) {
    const error = t.throws(() => checkJsonValue('tools[0]', nested(levels)), { instanceOf: OptionError });
    t.is(error.expected, 'at most 100 levels of arrays and objects');
  }
});
