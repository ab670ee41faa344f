import test from 'ava';
import {
  checkLength,
  decodeFailure,
  encodeFailure,
  FAILURE_BYTES,
  kindOf,
  tagOf,
} from '../../../../../engine/parallel/mpi/message.ts';
import { KINDS } from '../../../../../engine/parallel/transport.ts';

/** MPI_TAG_UB is at least this (MPI 4.1, 9.1.2). */
const LARGEST_TAG = 32_767;

test('a tag holds kind and number, within the range that MPI guarantees', (t) => {
  const tags = KINDS.flatMap((kind) => [0, 1, 2047].map((count) => ({ kind, tag: tagOf(kind, count) })));
  t.is(new Set(tags.map(({ tag }) => tag)).size, tags.length);
  for (const { kind, tag } of tags) {
    t.is(kindOf(tag), kind);
    t.true(Number.isInteger(tag) && tag >= 0 && tag <= LARGEST_TAG, `${kind}: ${tag}`);
  }
});

test('numbers start again after 2048, and a foreign tag has no kind', (t) => {
  t.is(tagOf('barrier', 2048), tagOf('barrier', 0));
  t.is(kindOf(tagOf(KINDS[KINDS.length - 1], 2047) + 1), undefined);
});

test('a message longer than an int can count is refused', (t) => {
  t.notThrows(() => checkLength({ length: 2 ** 31 - 1 }));
  t.throws(() => checkLength({ length: 2 ** 31 }), { instanceOf: RangeError, message: /2147483648 bytes/ });
});

test('a failure arrives as it was sent', (t) => {
  const failure = { message: 'Rank 1 gave up: no space left in /models/日本', ranks: [1, 3] };
  const bytes = encodeFailure(failure);
  t.is(bytes.length, FAILURE_BYTES);
  t.deepEqual(decodeFailure(bytes), failure);
});

test('a long message of a failure is truncated, however many bytes its characters take', (t) => {
  for (const character of ['a', 'ß', '日', '\u0001', '\ud800']) {
    const ranks = Array.from({ length: 128 }, (_, rank) => rank);
    const decoded = decodeFailure(encodeFailure({ message: character.repeat(10_000), ranks }));
    t.regex(decoded.message, new RegExp(`^${character}{100,}$`));
    t.deepEqual(decoded.ranks, ranks);
  }
});
