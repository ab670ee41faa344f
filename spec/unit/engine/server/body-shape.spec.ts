import test from 'ava';
import fc from 'fast-check';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { checkBodyShape } from '../../../../engine/server/body-shape.ts';

const SEED = 20261129;
const check = (json: string) => checkBodyShape(Buffer.from(json));
/** `count` times the text, between two others. */
const many = (count: number, text: string, begin = '', end = '') => begin + text.repeat(count) + end;

const [DEEP, PARTS] = ['128 arrays and objects within one another', '16384 arrays, objects and members'];
const LIMITS: readonly [what: string, most: number, limit: string, of: (count: number) => string][] = [
  ['arrays in arrays', 128, DEEP, (n) => many(n, '[') + many(n, ']')],
  ['objects in objects', 128, DEEP, (n) => many(n, '{"a":') + many(n, '}', '1')],
  ['arrays', 16_383, PARTS, (n) => many(n - 1, '[],', '[', '[]]')],
  ['members', 16_383, PARTS, (n) => many(n - 1, '"a":1,', '{', '"a":1}')],
  ['commas', 131_072, '131072 values', (n) => many(n, '1,', '[', '1]')],
];

for (const [what, most, limit, of] of LIMITS) {
  test(`${most} ${what} pass, and one more is refused`, (t) => {
    t.notThrows(() => check(of(most)));
    const message = `cannot read the body: it has more than ${limit}; send fewer or shorter prompts`;
    t.like(
      t.throws(() => check(of(most + 1)), { instanceOf: ApiError, message }),
      { status: 400 },
    );
  });
}

test('what stands in a string does not count', (t) => {
  for (const inside of ['[', '{', ':', ',', '\\"[', '\\\\'])
    t.notThrows(() => check(`"${inside.repeat(140_000)}"`));
  for (const string of ['"\\\\"', '"\\""', '""']) {
    t.throws(() => check(string + '['.repeat(129)), { message: /128/ }, string);
  }
});

test('any JSON of few values passes, and any bytes either pass or are refused', (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 100 }), (json) => void check(json)),
    { seed: SEED },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        checkBodyShape(bytes);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }),
    { seed: SEED },
  );
  t.pass();
});

/** What a body says of its tools, as text. */
const toolsIn = (json: string) => {
  const { tools } = check(json);
  return (
    tools &&
    Buffer.from(json)
      .subarray(...tools)
      .toString()
  );
};

test('the JSON of tools is found, the last one of several, however the key is spelt', (t) => {
  t.is(toolsIn('{"é": 1, "tools" : [ 1.0 ] , "a": 2}'), ' [ 1.0 ] ');
  t.is(toolsIn('{"tools": [1], "tools":[{"tools": 3}]}'), '[{"tools": 3}]');
  t.is(toolsIn('{"\\u0074\\u006f\\u006f\\u006c\\u0073":"a,}"}'), '"a,}"');
  for (const none of [
    ...['{}', '[]', '"tools"', '["tools", {"tools": 1}]', '{"a": {"tools": 1}}', '{"a": "tools"}'],
    ...['{"tool": 1}', '{"tools\\\\": 1}', '{"\\u00": 1}', `{"${'tools'.repeat(9)}": 1}`],
  ]) {
    t.is(toolsIn(none), undefined, none);
  }
});

test('the JSON of tools is that of the value that JSON.parse gives', (t) => {
  const key = fc.oneof(
    fc.constantFrom('"tools"', '"tool\\u0073"', '"a"', '"tools "'),
    fc.json().map(JSON.stringify),
  );
  const member = fc.tuple(key, fc.json({ maxDepth: 2 })).map(([name, value]) => `${name} :${value}`);
  fc.assert(
    fc.property(fc.array(member, { maxLength: 5 }), (members) => {
      const json = `{${members.join(' ,')}}`;
      const found = toolsIn(json);
      const parsed = JSON.parse(json) as { tools?: unknown };
      t.deepEqual(found === undefined ? undefined : JSON.parse(found), parsed.tools);
      t.is(found !== undefined, 'tools' in parsed);
    }),
    { seed: SEED },
  );
});
