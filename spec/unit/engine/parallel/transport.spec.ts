import test from 'ava';
import { mismatch } from '../../../../engine/parallel/transport.ts';

test('ranks that part ways are told what each of them does', (t) => {
  const expected = { kind: 'barrier', bytes: 0 } as const;
  t.is(
    mismatch(0, 2, expected, { kind: 'allGather', bytes: 8 }),
    'Rank 2 sent 8 bytes of allGather where rank 0 expected 0 bytes of barrier: ' +
      'every rank must make the same calls with the same lengths',
  );
  t.regex(mismatch(0, 2, expected, { kind: undefined, bytes: 8 }), /8 bytes of an unknown kind/);
});
