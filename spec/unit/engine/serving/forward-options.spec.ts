import test from 'ava';
import { OptionError } from '../../../../engine/errors.ts';
import { completeForwardOptions } from '../../../../engine/serving/forward-options.ts';
import type { ForwardOptions } from '../../../../engine/serving/requests.ts';

const complete = (options: object) => completeForwardOptions(options as ForwardOptions, 3);

test('the defaults are all positions and no hidden states', (t) => {
  t.deepEqual(complete({}), { positions: [0, 1, 2], hidden: false, observe: undefined });
});

test('options that are given are kept', (t) => {
  const options = { positions: [1], hidden: true, observe: () => {} };
  t.deepEqual(complete(options), options);
});

test('positions may be any of the prompt, in ascending order', (t) => {
  for (const positions of [[], [0], [2], [0, 1, 2], [0, 2]]) t.notThrows(() => complete({ positions }));
});

for (const [positions, index] of [
  [[-1], 0],
  [[3], 0],
  [[0.5], 0],
  [[0, Number.NaN], 1],
  [[1, 1], 1],
  [[0, 2, 1], 2],
] as const) {
  test(`positions are refused: ${positions}`, (t) => {
    t.throws(() => complete({ positions }), {
      instanceOf: OptionError,
      message: `positions[${index}] is ${positions[index]}; expected ascending positions of the prompt, whole numbers from 0 to 2`,
    });
  });
}

for (const [options, message] of [
  [{ positions: 1 }, 'positions is 1; expected an array of positions'],
  [{ hidden: 'yes' }, 'hidden is "yes"; expected true or false'],
  [{ observe: {} }, 'observe is {}; expected a function'],
] as const) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => complete(options), { instanceOf: OptionError, message });
  });
}
