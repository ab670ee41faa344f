import test from 'ava';
import { z } from 'zod';
import {
  excerpt,
  HttpStatusError,
  isRefusal,
  readAs,
  refuse,
  tokenId,
} from '../../../../../verify/adapters/http/nonsense.ts';
import { SubjectError } from '../../../../../verify/errors.ts';

test('an answer is shown on one line, its first 200 characters', (t) => {
  t.is(excerpt('a\n  b'), 'a b');
  t.is(excerpt({ a: [1] }), '{"a":[1]}');
  t.is(excerpt(''), 'nothing');
  t.is(excerpt(undefined), 'undefined');
  t.is(excerpt('x'.repeat(200)), 'x'.repeat(200));
  t.is(excerpt('x'.repeat(201)), `${'x'.repeat(200)}…`);
  t.is(excerpt(JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))), '[ [ [Array] ] ]');
});

test('an answer of another form is refused with the key, what came and what was expected', (t) => {
  t.is(readAs('forward', z.object({ n: z.number() }), { n: 1 }).n, 1);
  const error = t.throws(() => readAs('forward', z.object({ a: z.array(z.number()) }), { a: ['x'] }), {
    instanceOf: SubjectError,
  });
  t.is(
    error.message,
    'forward: the answer is not as expected: a.0: Invalid input: expected number, received string; got {"a":["x"]}',
  );
  t.throws(() => readAs('forward', z.number(), 'no'), { message: /the whole: .* got no$/ });
});

test('of several forms, the one that an answer resembles most is expected', (t) => {
  const form = z.object({
    row: z.union([z.object({ a: z.array(z.number()) }), z.object({ b: z.string() })]),
  });
  t.throws(() => readAs('forward', form, { row: { a: [1, null] } }), {
    message: /: row\.a\.1: Invalid input: expected number, received null; got /,
  });
});

test('a refusal says what was asked, found and expected; a status is kept with its error', (t) => {
  t.throws(() => refuse('forward', '3 rows', '4'), {
    instanceOf: SubjectError,
    message: 'forward: found 3 rows; expected 4',
  });
  t.is(new HttpStatusError('no', 404).status, 404);
  const statuses = Array.from({ length: 200 }, (_, i) => 400 + i);
  t.deepEqual(
    statuses.filter((status) => isRefusal(new HttpStatusError('no', status))),
    [400, 404, 405, 413, 422, 500, 501],
    'what says "not in this way"',
  );
  t.false(isRefusal(new SubjectError('no')));
});

test('token ids are whole numbers that fit an i32', (t) => {
  t.true([0, 151_935, 2 ** 31 - 1].every((id) => tokenId.safeParse(id).success));
  t.false([-1, 0.5, 2 ** 31, Number.NaN, '1', null].some((id) => tokenId.safeParse(id).success));
});
