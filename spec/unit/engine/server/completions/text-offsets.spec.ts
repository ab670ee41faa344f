import test from 'ava';
import { TextOffsets } from '../../../../../engine/server/completions/text-offsets.ts';
import { bytesOf } from '../fake-engine.ts';

const [A, , , , , , , C3, A9, SMILE, OF, END, FF] = Array.from({ length: 16 }, (_, id) => id);
const EMPTY = 15;

function offsetsOf(ids: readonly number[], begin = 0) {
  const offsets = new TextOffsets(bytesOf, begin);
  const pushed = ids.map((id) => offsets.push(id));
  return {
    offsets: pushed.map(({ offset }) => offset),
    text: pushed.map(({ text }) => text).join('') + offsets.end(),
    length: offsets.length,
  };
}

test('tokens of one character all begin where it begins', (t) => {
  t.deepEqual(offsetsOf([A, SMILE, OF, END, A, C3, A9, A], 10), {
    ...{ offsets: [10, 11, 11, 11, 12, 13, 13, 14], text: 'a😀aéa', length: 15 },
  });
});

test('a character that stays unfinished takes a place of its own', (t) => {
  t.deepEqual(offsetsOf([C3, A, FF, SMILE, C3]), {
    ...{ offsets: [0, 1, 2, 3, 4], text: '\ufffda\ufffd\ufffd\ufffd', length: 5 },
  });
});

test('a token without text leaves no trace', (t) => {
  t.deepEqual(offsetsOf([C3, EMPTY, A9, A]), { offsets: [0, 0, 0, 1], text: 'éa', length: 2 });
});
