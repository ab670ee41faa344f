import { createHash } from 'node:crypto';
import test from 'ava';
import { distribution } from '../../../generator/seeded-weights.ts';
import { BLOCK_VALUES, countBlocks, WeightBlocks } from '../../../generator/weight-blocks.ts';

const RECIPE = { seed: 'a seed', finalNormMean: 2.2 };
const MATRIX = 'model.layers.0.mlp.up_proj.weight';
const blocks = new WeightBlocks(RECIPE);

/** bf16 is the upper half of an f32. */
function widen(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (value) => value << 16).buffer);
}

/** Mean, standard deviation, and the fourth moment in units of the variance's square: 3 for a normal distribution. */
function moments(values: Float32Array): { mean: number; std: number; kurtosis: number } {
  let [sum, squares, fourths] = [0, 0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) {
    squares += (value - mean) ** 2;
    fourths += (value - mean) ** 4;
  }
  const variance = squares / values.length;
  return { mean, std: Math.sqrt(variance), kurtosis: fourths / values.length / variance ** 2 };
}

test('a tensor has as many blocks as it takes, and the last one the rest', (t) => {
  for (const [shape, count] of [
    [[1], 1],
    [[BLOCK_VALUES], 1],
    [[1024, 1024], 1],
    [[1025, 1024], 2],
    [[151936, 1024], 149],
  ] as const) {
    t.is(countBlocks(shape), count);
  }
  t.is(blocks.draw(MATRIX, [1025, 1024], 0).length, BLOCK_VALUES);
  t.is(blocks.draw(MATRIX, [1025, 1024], 1).length, 1024);
  t.is(blocks.draw(MATRIX, [7], 0).length, 7);
});

for (const [name, shape] of [
  [MATRIX, [1024, 1024]],
  ['model.embed_tokens.weight', [1024, 1024]],
  ['model.layers.3.mlp.down_proj.weight', [1024, 3072]],
  ['model.norm.weight', [2 ** 20]],
  ['model.layers.3.self_attn.q_norm.weight', [2 ** 20]],
] as const) {
  test(`${name} has the mean and the deviation that small fixtures have, and tails`, (t) => {
    const wanted = distribution(name, shape, RECIPE);
    const { mean, std, kurtosis } = moments(widen(blocks.draw(name, shape, 0)));
    // The table has 65,536 values: five standard errors of a mean and of a deviation of so many.
    const error = (5 * wanted.std) / 256;
    t.true(Math.abs(mean - wanted.mean) < error, `mean ${mean}`);
    t.true(Math.abs(std - wanted.std) < error, `deviation ${std}`);
    // The sum of four uniform draws: 3 − 1.2 / 4.
    t.true(Math.abs(kurtosis - 2.7) < 0.05, `kurtosis ${kurtosis}`);
  });
}

test('neighbours, and rows one below the other, have nothing to do with each other', (t) => {
  const values = widen(blocks.draw(MATRIX, [1024, 1024], 0));
  const { std } = moments(values);
  for (const lag of [1, 2, 3, 4, 1023, 1024, 1025, 65536]) {
    let products = 0;
    for (let i = lag; i < values.length; i++) products += values[i] * values[i - lag];
    const correlation = products / (values.length - lag) / std ** 2;
    t.true(Math.abs(correlation) < 5 / 1024, `lag ${lag}: ${correlation}`);
  }
});

test('blocks, tensors and seeds have streams of their own, the same every time', (t) => {
  const hash = (from: WeightBlocks, name: string, block: number) =>
    createHash('sha256')
      .update(from.draw(name, [2048, 1024], block))
      .digest('hex');
  const drawn = [
    hash(blocks, MATRIX, 0),
    hash(blocks, MATRIX, 1),
    hash(blocks, MATRIX.replace('up', 'gate'), 0),
    hash(blocks, MATRIX.replace('0', '1'), 0),
    hash(new WeightBlocks({ ...RECIPE, seed: 'another' }), MATRIX, 0),
  ];
  t.is(new Set(drawn).size, drawn.length);
  // Drawn in another order, by another thread say.
  const again = new WeightBlocks(RECIPE);
  t.deepEqual([hash(again, MATRIX, 1), hash(again, MATRIX, 0)], [drawn[1], drawn[0]]);
});

test('the bits are those that were drawn where the goldens were recorded', (t) => {
  const values = blocks.draw(MATRIX, [1024], 0);
  t.is(
    createHash('sha256').update(values).digest('hex'),
    '74751f966e4dc01198114949fe5a2336267374f828c00bca638f3a281b898f95',
  );
});
