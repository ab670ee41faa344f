import test from 'ava';
import fc from 'fast-check';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { checkBodyShape } from '../../../../engine/server/body-shape.ts';

const SEED = 20261129;
const check = (json: string) => checkBodyShape(Buffer.from(json));
/** `count` times the text, between two others. */
const many = (count: number, text: string, begin = '', end = '') => begin + text.repeat(count) + end;

const LIMITS: readonly [what: string, most: number, message: RegExp, of: (count: number) => string][] = [
  ['arrays in arrays', 128, /more than 128 arrays and objects within/, (n) => many(n, '[') + many(n, ']')],
  ['objects in objects', 128, /more than 128/, (n) => many(n, '{"a":') + many(n, '}', '1')],
  ['arrays', 16_383, /more than 16384 arrays, objects and members/, (n) => many(n - 1, '[],', '[', '[]]')],
  ['members', 16_383, /more than 16384/, (n) => many(n - 1, '"a":1,', '{', '"a":1}')],
  ['commas', 131_072, /more than 131072 values/, (n) => many(n, '1,', '[', '1]')],
];

for (const [what, most, message, of] of LIMITS) {
  test(`${most} ${what} pass, and one more is refused`, (t) => {
    t.notThrows(() => check(of(most)));
    t.like(
      t.throws(() => check(of(most + 1)), { instanceOf: ApiError, message }),
      { status: 400 },
    );
  });
}

test('what stands in a string does not count', (t) => {
  for (const inside of ['[', '{', ':', ',', '\\"[', '\\\\'])
    t.notThrows(() => check(`"${inside.repeat(140_000)}"`));
  t.throws(() => check(`"\\\\"${'['.repeat(129)}`), { message: /128/ });
  t.throws(() => check(`"\\""${'['.repeat(129)}`), { message: /128/ });
});

test('any JSON of few values passes, and any bytes either pass or are refused', (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 100 }), (json) => check(json)),
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
