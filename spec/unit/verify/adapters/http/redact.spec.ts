import test from 'ava';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import { functionsWithoutKey, withoutKey } from '../../../../../verify/adapters/http/redact.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';

const KEY = 'sk-0123456789';
const fails = (error: unknown) => () => Promise.reject(error);
const thrownOf = async (error: unknown, key: string | undefined = KEY): Promise<unknown> =>
  withoutKey(key, fails(error)).catch((thrown: unknown) => thrown);

test('an error is of the same class without the key, and has no cause', async (t) => {
  for (const Class of [NoAnswerError, NotSupportedError, SubjectError]) {
    const thrown = (await thrownOf(new Class(`${KEY} and ${KEY}`, { cause: KEY }))) as Error;
    t.is(thrown.constructor, Class);
    t.deepEqual([thrown.message, thrown.cause], ['*** and ***', undefined]);
  }
  t.is(((await thrownOf(new HttpStatusError(KEY, 401))) as Error).constructor, SubjectError);
});

test('of a key that an excerpt ends within, no part is shown', async (t) => {
  for (let length = 1; length < KEY.length; length++) {
    const thrown = (await thrownOf(new SubjectError(`got x${KEY.slice(0, length)}…`))) as Error;
    t.is(thrown.message, 'got x***…', `${length} characters`);
  }
});

test('errors without the key, of bugs, and without any key are thrown as they are', async (t) => {
  for (const [error, key] of [
    [new SubjectError('an answer'), KEY],
    [new TypeError(KEY), KEY],
    [new SubjectError(KEY), ''],
  ] as const) {
    t.is(await thrownOf(error, key), error);
  }
  t.is(await withoutKey(KEY, async () => KEY), KEY);
});

test('the functions of an object are guarded, its other members stay', async (t) => {
  const guarded = functionsWithoutKey(KEY, {
    name: KEY,
    sum: async (a: number, b: number) => a + b,
    fail: fails(new SubjectError(KEY)),
  });
  t.is(guarded.name, KEY);
  t.is(await guarded.sum(2, 3), 5);
  await t.throwsAsync(guarded.fail(), { instanceOf: SubjectError, message: '***' });
});
