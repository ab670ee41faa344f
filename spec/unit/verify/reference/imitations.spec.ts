import test from 'ava';
import type { ModelConfig } from '../../../../engine/index.ts';
import { IMITATIONS, imitationsOf } from '../../../../verify/reference/imitations.ts';
import { roundToBf16, roundToF16 } from '../../../../verify/reference/rounding.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { computeRows } from '../../../support/verify/compute-rows.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const CASE = {
  id: 'one',
  ids: [3, 1, 4, 1, 5, 9, 2, 6],
  promptLength: 6,
  positions: [0, 1, 2, 3, 4, 5, 6, 7],
};

test('every class but the truth is imitated, and the less exact it is the farther off', async (t) => {
  // Widths of whole blocks, so that weights are quantised.
  const dir = modelDirectory(
    t,
    denseModel({ hidden_size: 64, intermediate_size: 96, num_attention_heads: 4, head_dim: 16 }),
  );
  const copy = (logits: Float32Array) => logits.slice();
  const truth = (await computeRows(dir, [CASE], copy)).get('one')!;
  const distances = new Map<string, number>();
  for (const { precision, name, taps } of IMITATIONS) {
    const rows = (await computeRows(dir, [CASE], copy, { taps: taps() })).get('one')!;
    const squares = rows.flatMap((row, r) => [...row].map((value, i) => (value - truth[r][i]) ** 2));
    const distance = Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / squares.length);
    t.true(distance > 0, `${name} changes something`);
    distances.set(precision, Math.max(distance, distances.get(precision) ?? 0));
  }
  const inOrder = ['f32', 'f16', 'bf16', '8bit', '4bit'].map((name) => distances.get(name)!);
  t.true(inOrder[1] > 100 * inOrder[0], `f16 ${inOrder[1]}, f32 ${inOrder[0]}`);
  t.true(inOrder[2] > 3 * inOrder[1], `bf16 ${inOrder[2]}, f16 ${inOrder[1]}`);
  t.true(inOrder[4] > 3 * inOrder[3], `4bit ${inOrder[4]}, 8bit ${inOrder[3]}`);
  t.true(distances.get('f32')! < 1e-4);
});

test('names of imitations are distinct', (t) => {
  t.is(new Set(IMITATIONS.map(({ name }) => name)).size, IMITATIONS.length);
});

test('each draw rounds without a bias, on its own, and alike whenever it is made anew', (t) => {
  // Between 1 and 2 the last place of both formats is known.
  const values = Float32Array.from({ length: 20_000 }, (_, i) => 1 + ((i * 0.6180339887) % 1));
  for (const [precision, lastPlace] of [
    ['f16', 2 ** -10],
    ['bf16', 2 ** -7],
  ] as const) {
    const draws = IMITATIONS.filter((one) => one.isDraw && one.precision === precision);
    const errors = draws.map(({ name, taps }) => {
      const [rounded, again] = [values.slice(), values.slice()];
      taps().embedded!(rounded);
      taps().embedded!(again);
      t.true(
        rounded.every((value, i) => value === again[i]),
        `${name}: the same bits again`,
      );
      t.true(
        rounded.every((value) => value % lastPlace === 0),
        `${name}: what the format has`,
      );
      const error = Float64Array.from(rounded, (value, i) => (value - values[i]) / lastPlace);
      // A standard error of the mean is 0.0023.
      const mean = error.reduce((sum, x) => sum + x, 0) / error.length;
      t.true(Math.abs(mean) < 0.012, `${name}: errors have the mean ${mean}, in units of the last place`);
      return error;
    });
    const different = new Set(errors.map((error) => error.join()));
    t.is(different.size, draws.length, `${precision}: draws that differ`);
  }
});

test('weights of every 16-bit imitation are rounded to the nearest, in its own format', (t) => {
  const values = Float32Array.from({ length: 64 }, (_, i) => (i - 31.5) / 7);
  for (const [precision, round] of [
    ['f16', roundToF16],
    ['bf16', roundToBf16],
  ] as const) {
    const nearest = values.slice();
    round(nearest);
    for (const { name, taps } of IMITATIONS.filter((one) => one.precision === precision)) {
      const rows = values.slice();
      taps().weights!('model.norm.weight', rows, 32, 0);
      t.deepEqual(rows, nearest, name);
    }
  }
});

test('a mixture has six draws of each 16-bit format, a dense model three', (t) => {
  const moe = { numExperts: 8 } as NonNullable<ModelConfig['moe']>;
  const drawn = (config: Pick<ModelConfig, 'moe'>) =>
    imitationsOf(config).flatMap(({ isDraw, name }) => (isDraw ? [name] : []));
  const named = (precision: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${precision}, draw ${i + 1}`);
  t.deepEqual(drawn({ moe }), [...named('f16', 6), ...named('bf16', 6)]);
  t.deepEqual(drawn({ moe: undefined }), [...named('f16', 3), ...named('bf16', 3)]);
  t.is(imitationsOf({ moe: undefined }).length, IMITATIONS.length - 6, 'nothing else is left out');
});
