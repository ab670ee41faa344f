import test from 'ava';
import { decodeFailure, encodeFailure, FAILURE_BYTES } from '../../../../../engine/parallel/mpi/failure.ts';

test('a failure arrives as it was sent', (t) => {
  const failure = { message: 'Rank 1 gave up: no space left in /models/日本', ranks: [1, 3] };
  const bytes = encodeFailure(failure);
  t.is(bytes.length, FAILURE_BYTES);
  t.deepEqual(decodeFailure(bytes), failure);
});

test('of a long message the end is cut off, whatever its characters take', (t) => {
  for (const character of ['a', 'ß', '日', '\u0001', '\ud800']) {
    const ranks = Array.from({ length: 128 }, (_, rank) => rank);
    const { message, ranks: told } = decodeFailure(
      encodeFailure({ message: character.repeat(10_000), ranks }),
    );
    t.regex(message, new RegExp(`^${character}{100,}$`));
    t.deepEqual(told, ranks);
  }
});
