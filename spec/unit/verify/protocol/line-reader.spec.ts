import test from 'ava';
import fc from 'fast-check';
import { LineReader } from '../../../../verify/protocol/line-reader.ts';

test('lines are the same however their bytes arrive', (t) => {
  const lines = fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', '')));
  fc.assert(
    fc.property(lines, fc.string(), fc.array(fc.nat(40)), (whole, open, cuts) => {
      const rest = open.replaceAll('\n', '');
      const bytes = Buffer.from([...whole, rest].join('\n'));
      const reader = new LineReader(bytes.length);
      const places = [
        0,
        ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
        bytes.length,
      ];
      const read = places.slice(1).flatMap((end, i) => reader.read(bytes.subarray(places[i], end)));
      t.deepEqual(read, whole);
      t.is(reader.rest, rest);
    }),
  );
});

test('a line that is longer than the limit is refused with its beginning, also before it ends', (t) => {
  const reader = new LineReader(100);
  t.deepEqual(reader.read(Buffer.from(`${'a'.repeat(100)}\n`)), ['a'.repeat(100)]);
  t.deepEqual(reader.read(Buffer.from('b'.repeat(100))), []);
  t.throws(() => reader.read(Buffer.from('b')), {
    instanceOf: RangeError,
    message: `a line has more than 100 bytes: "${'b'.repeat(80)}"…`,
  });
});
