import test from 'ava';
import { mismatch } from '../../../../engine/parallel/transport.ts';

test('a mismatch says what was sent and what was expected, and names the sender', (t) => {
  const expected = { kind: 'barrier', bytes: 0 } as const;
  t.deepEqual(mismatch(0, 2, expected, { kind: 'allGather', bytes: 8 }), {
    message:
      'Rank 2 sent 8 bytes of allGather where rank 0 expected 0 bytes of barrier: ' +
      'every rank must make the same calls with the same lengths',
    ranks: [2],
  });
  t.is(
    mismatch(0, 2, expected, { kind: undefined, bytes: 8 }).message,
    'Rank 2 sent 8 bytes of an unknown kind where rank 0 expected 0 bytes of barrier: ' +
      'every rank must make the same calls with the same lengths',
  );
});
