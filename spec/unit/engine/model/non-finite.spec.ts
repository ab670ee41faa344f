import test from 'ava';
import { NonFiniteFinder } from '../../../../engine/model/non-finite.ts';

test('NaN and both infinities are found wherever they stand', (t) => {
  const finite = [0, -0, 3.4e38, -3.4e38, 1e-45];
  const placeIn = (values: number[]) => {
    const finder = new NonFiniteFinder();
    finder.add('layers.0.mlp', Float32Array.from(values), values.length, 7);
    return finder.place;
  };
  t.is(placeIn(finite), undefined);
  t.is(placeIn([]), undefined);
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    for (const i of finite.keys()) {
      const expected = { stage: 'layers.0.mlp', position: 7 + i };
      t.deepEqual(placeIn(finite.with(i, value)), expected, `${value} at ${i}`);
    }
  }
});

test('the first stage that is not finite is kept, with its position', (t) => {
  const finder = new NonFiniteFinder();
  finder.add('hidden_states.0', Float32Array.of(1, 2, 3, 4), 2, 0);
  t.is(finder.place, undefined);
  finder.add('hidden_states.0', Float32Array.of(1, 2, Infinity, 4), 2, 2);
  finder.add('layers.0.mlp', Float32Array.of(Number.NaN, 0, 0, 0, 0, 0), 2, 2);
  t.deepEqual(finder.place, { stage: 'hidden_states.0', position: 3 });
  // Rows of another width than their number.
  const wide = new NonFiniteFinder();
  wide.add('logits', new Float32Array(15).fill(Number.NaN, 11), 3, 7);
  t.deepEqual(wide.place, { stage: 'logits', position: 9 });
});
