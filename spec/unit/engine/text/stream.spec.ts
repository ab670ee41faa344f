import test from 'ava';
import { createTextStream } from '../../../../engine/text/stream.ts';

/**
 * The output of a stream for pieces of bytes, or of text for added tokens: one string per push, and the end.
 */
function streamed(...pieces: (number[] | string)[]): string[] {
  const stream = createTextStream((i) => {
    const piece = pieces[i];
    return typeof piece === 'string' ? piece : Uint8Array.from(piece);
  });
  return [...pieces.map((_, i) => stream.push(i)), stream.end()];
}

test('a character cut by tokens appears with the token that completes it', (t) => {
  t.deepEqual(streamed([0x61, 0xf0], [0x9f], [0x98, 0x80, 0x62]), ['a', '', '😀b', '']);
});

test('the parts of a joined emoji appear when they are complete', (t) => {
  const bytes = [...new TextEncoder().encode('👩‍💻')];
  const pieces = bytes.map((byte) => [byte]);
  t.deepEqual(streamed(...pieces).filter(Boolean), ['👩', '\u200d', '💻']);
});

test('a replacement character that the model wrote is not held back', (t) => {
  t.deepEqual(streamed([0xef, 0xbf, 0xbd], [0x61]), ['\ufffd', 'a', '']);
});

test('bytes that cannot become a character are U+FFFD at once', (t) => {
  t.deepEqual(streamed([0xff], [0x61]), ['\ufffd', 'a', '']);
  t.deepEqual(streamed([0xe2, 0x82], [0x61]), ['', '\ufffda', '']);
});

test('each maximal invalid part is one U+FFFD', (t) => {
  // A surrogate in UTF-8 is three invalid bytes; a sequence cut off is one part.
  t.is(streamed([0xed], [0xa0], [0x80]).join(''), '\ufffd\ufffd\ufffd');
  t.is(streamed([0xf0, 0x9f, 0x98], [0xf0, 0x9f]).join(''), '\ufffd\ufffd');
});

test('an unfinished character becomes U+FFFD at the end', (t) => {
  t.deepEqual(streamed([0x61, 0xc3]), ['a', '\ufffd']);
});

test('an added token ends an unfinished character and is not merged with it', (t) => {
  t.deepEqual(streamed([0xc3], '<|im_end|>', [0xa9]), ['', '\ufffd<|im_end|>', '\ufffd', '']);
});

test('a token without bytes changes nothing', (t) => {
  t.deepEqual(streamed([0xc3], [], [0xa9]), ['', '', 'é', '']);
});

test('a byte order mark is kept, at the start and elsewhere', (t) => {
  t.deepEqual(streamed([0xef, 0xbb], [0xbf], [0xef, 0xbb, 0xbf]), ['', '\ufeff', '\ufeff', '']);
});

test('a stream can be used again after its end', (t) => {
  const stream = createTextStream((byte) => Uint8Array.of(byte));
  t.is(stream.push(0xc3) + stream.end(), '\ufffd');
  t.is(stream.push(0xc3) + stream.push(0xa9) + stream.end(), 'é');
  t.is(stream.end(), '');
});

test('an invalid id leaves the stream unchanged', (t) => {
  const stream = createTextStream((byte) => {
    if (byte > 255) throw new RangeError('no such byte');
    return Uint8Array.of(byte);
  });
  t.is(stream.push(0xc3), '');
  t.throws(() => stream.push(256), { instanceOf: RangeError });
  t.is(stream.push(0xa9), 'é');
});
