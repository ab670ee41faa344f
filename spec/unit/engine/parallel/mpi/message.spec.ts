import test from 'ava';
import { checkLength, kindOf, tagOf } from '../../../../../engine/parallel/mpi/message.ts';
import { KINDS } from '../../../../../engine/parallel/transport.ts';

/** MPI_TAG_UB is at least this (MPI 4.1, 9.1.2). */
const LARGEST_TAG = 32_767;

test('a tag tells kind and number, and MPI takes it', (t) => {
  const tags = KINDS.flatMap((kind) => [0, 1, 2047].map((count) => ({ kind, tag: tagOf(kind, count) })));
  t.is(new Set(tags.map(({ tag }) => tag)).size, tags.length);
  for (const { kind, tag } of tags) {
    t.is(kindOf(tag), kind);
    t.true(Number.isInteger(tag) && tag >= 0 && tag <= LARGEST_TAG, `${kind}: ${tag}`);
  }
});

test('numbers begin anew, and a tag of somebody else is of no kind', (t) => {
  t.is(tagOf('barrier', 2048), tagOf('barrier', 0));
  t.is(kindOf(tagOf(KINDS[KINDS.length - 1], 2047) + 1), undefined);
});

test('a message that an int cannot count is refused', (t) => {
  t.notThrows(() => checkLength({ length: 2 ** 31 - 1 }));
  t.throws(() => checkLength({ length: 2 ** 31 }), { instanceOf: RangeError, message: /2147483648 bytes/ });
});
