import test from 'ava';
import { HiddenStates } from '../../../../engine/model/hidden-states.ts';

const SIZES = { numHiddenLayers: 2, hiddenSize: 3 };

test('the embedding, every layer and the final norm have a place each, in this order', (t) => {
  const states = new HiddenStates(SIZES, 1);
  states.add('hidden_states.final', Float32Array.of(10, 11, 12));
  states.add('hidden_states.1', Float32Array.of(4, 5, 6));
  states.add('hidden_states.0', Float32Array.of(1, 2, 3));
  states.add('hidden_states.2', Float32Array.of(7, 8, 9));
  t.deepEqual(states.values, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
});

test('the chunks of a prompt are appended', (t) => {
  const states = new HiddenStates(SIZES, 3);
  for (const chunk of [
    [1, 2, 3, 4, 5, 6],
    [7, 8, 9],
  ]) {
    states.add('hidden_states.1', Float32Array.from(chunk));
    states.add(
      'hidden_states.2',
      Float32Array.from(chunk, (value) => -value),
    );
  }
  t.is(states.values.length, 4 * 3 * 3);
  t.deepEqual(Array.from(states.values.subarray(9, 18)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.deepEqual(Array.from(states.values.subarray(18, 27)), [-1, -2, -3, -4, -5, -6, -7, -8, -9]);
});

test('values are copied, because they are valid only during the call', (t) => {
  const states = new HiddenStates(SIZES, 1);
  const lent = Float32Array.of(1, 2, 3);
  states.add('hidden_states.0', lent);
  lent.fill(0);
  t.deepEqual(Array.from(states.values.subarray(0, 3)), [1, 2, 3]);
});

test('stages other than hidden states are ignored', (t) => {
  const states = new HiddenStates(SIZES, 1);
  for (const stage of ['layers.0.mlp', 'hidden_states.3', 'hidden_states', '']) {
    states.add(stage, Float32Array.of(1, 2, 3));
  }
  t.true(states.values.every((value) => value === 0));
});
