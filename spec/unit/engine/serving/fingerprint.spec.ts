import { createHash } from 'node:crypto';
import test from 'ava';
import { Fingerprint } from '../../../../engine/serving/fingerprint.ts';

function fingerprint(...rows: Float32Array[]): string {
  const made = new Fingerprint();
  for (const row of rows) made.add(row);
  return made.digest();
}

test('a fingerprint is the SHA-256 of the little-endian f32s', (t) => {
  // By sha256sum, of the bytes 00 00 80 3f 00 00 00 c0 00 00 c0 7f.
  t.is(
    fingerprint(Float32Array.of(1, -2, NaN)),
    '11628163d5249a4c11328b625888a027d4120a3ab1134cf2b92f7cc8d844a7e3',
  );
});

test('a row of a real vocabulary counts to its last value', (t) => {
  const logits = Float32Array.from({ length: 40_001 }, (_, id) => id / 7);
  t.is(fingerprint(logits), createHash('sha256').update(new Uint8Array(logits.buffer)).digest('hex'));
});

test('the fingerprint of no logits is the SHA-256 of no bytes', (t) => {
  t.is(fingerprint(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('every bit of the logits and their order changes the fingerprint', (t) => {
  const [a, b] = [Float32Array.of(1, 2), Float32Array.of(3, 0)];
  const all = [
    fingerprint(a, b),
    fingerprint(b, a),
    fingerprint(a),
    fingerprint(a, Float32Array.of(3, -0)),
    fingerprint(a, Float32Array.of(3.0000002384185791, 0)),
  ];
  t.is(new Set(all).size, all.length);
});

test("only the array's own values count, not the memory around them", (t) => {
  const memory = Float32Array.of(9, 1, 2, 9);
  t.is(fingerprint(memory.subarray(1, 3)), fingerprint(Float32Array.of(1, 2)));
});

test('logits in shared memory are accepted', (t) => {
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set([1, 2]);
  t.is(fingerprint(shared), fingerprint(Float32Array.of(1, 2)));
});

test('later changes of an array do not change the fingerprint', (t) => {
  const lent = Float32Array.of(1, 2);
  const made = new Fingerprint();
  made.add(lent);
  lent.fill(0);
  t.is(made.digest(), fingerprint(Float32Array.of(1, 2)));
});

test('a digest can be taken between two additions', (t) => {
  const made = new Fingerprint();
  made.add(Float32Array.of(1));
  t.is(made.digest(), fingerprint(Float32Array.of(1)));
  made.add(Float32Array.of(2));
  t.is(made.digest(), fingerprint(Float32Array.of(1, 2)));
});
