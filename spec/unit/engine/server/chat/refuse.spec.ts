import test from 'ava';
import { ApiError } from '../../../../../engine/server/api-error.ts';
import { refuse } from '../../../../../engine/server/chat/refuse.ts';

test('a refused field is an error 400 that shows little of its value', (t) => {
  const refused = (found: unknown) =>
    t.throws(() => refuse('messages[0].content', found, 'a string'), { instanceOf: ApiError });
  const { status, param, message } = refused(5);
  t.deepEqual(
    { status, param, message },
    {
      status: 400,
      param: 'messages[0].content',
      message: 'cannot read messages[0].content: found 5; expected a string',
    },
  );
  t.true(refused('a'.repeat(1e6)).message.length < 200);
  t.true(refused({ a: { b: { c: Array(1e5).fill('x') } } }).message.length < 200);
});
