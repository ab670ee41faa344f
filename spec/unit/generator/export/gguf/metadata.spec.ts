import test from 'ava';
import {
  encodeMetadata,
  encodeString,
  encodeUint64s,
  float32,
  type GgufValue,
  string,
  uint32,
} from '../../../../../generator/export/gguf/metadata.ts';

/** The bytes of one value, after its key. */
function bytesOf(value: GgufValue): number[] {
  return [...Buffer.concat(encodeMetadata({ k: value }))].slice(9);
}

test('a string is its length in UTF-8 bytes, then the bytes', (t) => {
  t.deepEqual([...encodeString('é')], [2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9]);
});

test('a key comes before its value', (t) => {
  const bytes = Buffer.concat(encodeMetadata({ 'a.b': uint32(1) }));
  t.deepEqual([...bytes.subarray(0, 11)], [3, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('a.b')]);
});

test('each value is preceded by the number of its type', (t) => {
  t.deepEqual(bytesOf(uint32(258)), [4, 0, 0, 0, 2, 1, 0, 0]);
  t.deepEqual(bytesOf(float32(1)), [6, 0, 0, 0, 0, 0, 0x80, 0x3f]);
  t.deepEqual(bytesOf({ type: 'bool', value: true }), [7, 0, 0, 0, 1]);
  t.deepEqual(bytesOf(string('a')), [8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 97]);
});

test('an array has the type and the number of its elements', (t) => {
  const head = (type: number, length: number) => [9, 0, 0, 0, type, 0, 0, 0, length, 0, 0, 0, 0, 0, 0, 0];
  t.deepEqual(bytesOf({ type: 'int32s', value: [-1] }), [...head(5, 1), 255, 255, 255, 255]);
  t.deepEqual(bytesOf({ type: 'strings', value: ['a', ''] }), [
    ...head(8, 2),
    ...[...encodeUint64s(1), 97],
    ...encodeUint64s(0),
  ]);
  t.deepEqual(bytesOf({ type: 'strings', value: [] }), head(8, 0));
});
