import test from 'ava';
import { Engine } from '../../../../engine/index.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { readCase, readTensors } from '../../../../golden/goldens.ts';
import type { RecordedCase } from '../../../../golden/schema.ts';
import { logSumExp } from '../../../../golden/tolerance.ts';
import { goldenCases } from '../../../../verify/reference/golden-cases.ts';
import { IMITATIONS } from '../../../../verify/reference/imitations.ts';
import { computeReference, computeTruth, likeliest } from '../../../../verify/reference/reference.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const CASES = [
  { id: 'one', ids: [3, 1, 4, 1, 5], promptLength: 3, positions: [0, 2, 4] },
  { id: 'two', ids: [7], promptLength: 1, positions: [0] },
];

test('the truth is the engine’s log-probabilities at the positions asked for, the likeliest first', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const told: string[] = [];
  const { cases, imitations } = await computeReference(dir, CASES, {
    imitations: IMITATIONS.slice(0, 2),
    onProgress: (what) => told.push(what),
  });
  const engine = await Engine.load(dir);
  const { logits } = engine.forward(CASES[0].ids, { positions: [0, 2, 4] });
  await engine.close();
  t.deepEqual(
    cases.map(({ id, rows }) => [id, rows.map(({ position }) => position)]),
    [
      ['one', [0, 2, 4]],
      ['two', [0]],
    ],
  );
  for (const [r, { ids, truth }] of cases[0].rows.entries()) {
    const row = logits.subarray(r * 19, (r + 1) * 19);
    const sum = logSumExp(row);
    t.is(ids.length, 19);
    for (const [i, id] of ids.entries()) {
      t.is(truth[i], Math.fround(row[id] - sum));
      if (i > 0) t.true(truth[i] <= truth[i - 1]);
    }
  }
  t.deepEqual(
    imitations.map(({ name }) => name),
    [IMITATIONS[0].name, IMITATIONS[1].name],
  );
  t.is(imitations[1].cases.get('one')!.length, 3);
  t.deepEqual(told, [
    'truth',
    `${IMITATIONS[0].name} (1 of 2 honest engines)`,
    `${IMITATIONS[1].name} (2 of 2 honest engines)`,
  ]);
});

test('the likeliest ids of a large row are those of sorting it', (t) => {
  const values = Float32Array.from({ length: 5000 }, (_, i) => (i * 7919) % 613);
  const sorted = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
  for (const count of [1, 20, 512, 5000, 6000])
    t.deepEqual([...likeliest(values, count)], sorted.slice(0, count), `${count}`);
});

for (const model of ['dense', 'moe', 'outliers', 'moe-nonorm']) {
  test(`${model}: the truth is within f32 of the float64 twin of the stored goldens`, async (t) => {
    const cases = goldenCases(model);
    const truth = await computeTruth(await ensureFixture(model), cases);
    const squares: number[] = [];
    for (const { id, rows } of truth) {
      const { positions } = readCase(model, id) as RecordedCase;
      const stored = readTensors(model, id).logitsFloat64!;
      const width = stored.length / (positions.length + 16);
      for (const [i, position] of positions.entries()) {
        const twin = stored.subarray(i * width, (i + 1) * width);
        const sum = logSumExp(twin);
        const { ids, truth: row } = rows.find((one) => one.position === position)!;
        for (const [at, id] of ids.entries()) squares.push((row[at] - (twin[id] - sum)) ** 2);
      }
    }
    t.true(squares.length > 10_000);
    const distance = Math.sqrt(squares.reduce((total, x) => total + x, 0) / squares.length);
    t.true(distance < 2e-5, `RMS ${distance} nats`);
  });
}
