import test from 'ava';
import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readCase } from '../../../golden/goldens.ts';
import {
  engineStages,
  hiddenStages,
  hiddenStateNames,
  isWithinOracle,
  oracleStages,
} from '../../../verify/witnesses.ts';
import { trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

for (const [model, id] of [
  ['dense', 'ids-longer'],
  ['moe', 'ids-longer'],
]) {
  test(`${model}: engine and oracle name the same stages, and each has as many values and nearly the same`, async (t) => {
    const modelDir = await ensureFixture(model);
    const config = await readModelConfig(modelDir);
    const { ids } = readCase(model, id);
    const engine = await engineStages(modelDir, ids);
    const oracle = (await oracleStages(modelDir, config, ids))!;
    t.deepEqual([...engine.keys()].sort(), [...oracle.keys()].sort());
    for (const [name, values] of engine) {
      const exact = oracle.get(name)!;
      t.is(values.length, exact.length, name);
      t.true(
        values.every((value, i) => Math.abs(value - exact[i]) < 1e-3),
        name,
      );
    }
  });
}

test('a prompt of several chunks has its stages whole', async (t) => {
  const modelDir = await ensureFixture('dense');
  const { hiddenSize } = await readModelConfig(modelDir);
  const ids = Array.from({ length: 300 }, (_, i) => i);
  const stages = await engineStages(modelDir, ids);
  t.is(stages.get('hidden_states.2')!.length, 300 * hiddenSize);
  const short = await engineStages(modelDir, ids.slice(0, 10));
  t.deepEqual(stages.get('hidden_states.2')!.slice(0, 10 * hiddenSize), short.get('hidden_states.2'));
});

test('a prompt and a model that the oracle takes long for are not given to it', async (t) => {
  const modelDir = await ensureFixture('dense');
  const config = await readModelConfig(modelDir);
  t.true(isWithinOracle(config, 1000));
  t.false(isWithinOracle(config, 1_000_000));
  t.is(await oracleStages(modelDir, config, new Array(1_000_000).fill(1)), undefined);
});

test('packed hidden states are named from the embedding to the final norm', (t) => {
  const stages = hiddenStages(
    Float32Array.from({ length: 3 * 2 * 4 }, (_, i) => i),
    {
      numHiddenLayers: 1,
      hiddenSize: 4,
    },
  );
  t.deepEqual([...stages.keys()], hiddenStateNames({ numHiddenLayers: 1 }));
  t.deepEqual(hiddenStateNames({ numHiddenLayers: 1 }), [
    'hidden_states.0',
    'hidden_states.1',
    'hidden_states.final',
  ]);
  t.deepEqual(stages.get('hidden_states.1'), Float32Array.of(8, 9, 10, 11, 12, 13, 14, 15));
});
