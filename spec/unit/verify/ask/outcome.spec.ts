import test from 'ava';
import { settle } from '../../../../verify/ask/outcome.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../../verify/errors.ts';

const failing = (error: unknown) => settle(() => Promise.reject(error));

test('the four outcomes are distinguished by the class of the error', async (t) => {
  t.deepEqual(await settle(async () => 5), { kind: 'result', value: 5 });
  t.deepEqual(await failing(new NotSupportedError('no ids')), { kind: 'skipped', message: 'no ids' });
  t.deepEqual(await failing(new NoAnswerError('it died')), { kind: 'no answer', message: 'it died' });
  t.deepEqual(await failing(new SubjectError('NaN')), { kind: 'error', message: 'NaN' });
});

test("an adapter's own fault is an error of the subject, whatever it throws", async (t) => {
  t.deepEqual(await failing(new TypeError('x is undefined')), { kind: 'error', message: 'x is undefined' });
  t.deepEqual(await failing('a string'), { kind: 'error', message: 'a string' });
  const thrown = await settle(() => {
    throw new RangeError('at once');
  });
  t.deepEqual(thrown, { kind: 'error', message: 'at once' });
});

test('an aborted question has no outcome', async (t) => {
  const reason = new Error('stopped');
  const ask = settle(() => Promise.reject(new NoAnswerError('closed')), AbortSignal.abort(reason));
  t.is(await t.throwsAsync(ask), reason);
});
