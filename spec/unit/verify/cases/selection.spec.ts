import test from 'ava';
import { UsageError } from '../../../../engine/errors.ts';
import { selectCases } from '../../../../verify/cases/selection.ts';

const cases = ['chat-one', 'chat-two', 'ids-one'].map((id) => ({ id }));
const select = (selection: Parameters<typeof selectCases>[1]) =>
  selectCases(cases, selection).map(({ id }) => id);

test('all cases are selected unless patterns say otherwise', (t) => {
  t.deepEqual(select({}), ['chat-one', 'chat-two', 'ids-one']);
  t.deepEqual(select({ run: ['chat-*'] }), ['chat-one', 'chat-two']);
  t.deepEqual(select({ run: ['*-one'], skip: ['ids-*'] }), ['chat-one']);
  t.deepEqual(select({ run: ['ids-one', 'chat-two'] }), ['chat-two', 'ids-one']);
});

test('a pattern that fits no case is wrong usage, and the cases are named', (t) => {
  const message = 'choose among the cases chat-one, chat-two, ids-one; "cat-*" fits none';
  t.throws(() => select({ run: ['cat-*'] }), { instanceOf: UsageError, message });
  t.throws(() => select({ skip: ['cat-*'] }), { instanceOf: UsageError, message });
});

test('a selection that leaves nothing is wrong usage', (t) => {
  t.throws(() => select({ run: ['ids-*'], skip: ['ids-one'] }), {
    instanceOf: UsageError,
    message: /no case is left/,
  });
});
