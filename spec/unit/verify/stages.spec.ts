import test from 'ava';
import { compareStage, formatStages } from '../../../verify/stages.ts';

const truth = Float64Array.of(1, -2, 3, 4, 5, -6);

test('a stage in which the witnesses agree parts nowhere', (t) => {
  const values = Float32Array.from(truth);
  const row = compareStage({ name: 'x', engine: values, reference: values, truth }, 3);
  t.deepEqual(row, {
    name: 'x',
    engineToReference: 0,
    engineToTruth: 0,
    referenceToTruth: 0,
    partsAt: undefined,
  });
  t.regex(formatStages([row]), /agree at every stage/);
});

test('the first position that differs is named, and the witness that stands alone', (t) => {
  const right = Float32Array.from(truth);
  const wrong = Float32Array.from(truth);
  wrong[3] += 0.5;
  wrong[5] += 0.5;
  const engineWrong = compareStage({ name: 'layers.0.mlp', engine: wrong, reference: right, truth }, 3);
  t.is(engineWrong.partsAt, 1);
  t.is(engineWrong.engineToTruth, 0.5 / 6);
  t.regex(formatStages([engineWrong]), /part at layers\.0\.mlp, position 1; the engine is farther/);
  const referenceWrong = { ...engineWrong, engineToTruth: 0, referenceToTruth: 1 };
  t.regex(formatStages([referenceWrong]), /the reference is farther/);
});

test('a difference within four times the distance of the reference from the truth is none', (t) => {
  const reference = Float32Array.from(truth, (value) => value + 1e-3);
  const engine = Float32Array.from(truth, (value) => value - 1e-3);
  t.is(compareStage({ name: 'x', engine, reference, truth }, 3).partsAt, undefined);
});

test('NaN and missing values part', (t) => {
  const values = Float32Array.from(truth);
  const broken = Float32Array.from(truth);
  broken[4] = Number.NaN;
  t.is(compareStage({ name: 'x', engine: broken, reference: values, truth }, 3).partsAt, 2);
  const short = compareStage({ name: 'x', engine: values.slice(0, 4), reference: values, truth }, 3);
  t.is(short.partsAt, 2);
  t.true(Number.isNaN(short.engineToReference));
});
