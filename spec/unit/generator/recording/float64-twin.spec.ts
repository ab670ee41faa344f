import test from 'ava';
import { tapNames } from '../../../../generator/onnx/taps.ts';
import { writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { Float64Twin } from '../../../../generator/recording/float64-twin.ts';
import { Reference } from '../../../../generator/recording/reference.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { makeModel } from '../../../support/properties/arbitraries.ts';
import { checkpoint, DENSE, MOE, type Teardown } from '../onnx/checkpoints.ts';

trackResources(test);

const { config } = makeModel(DENSE, 'F32', 1);
const V = config.vocabSize;
const IDS = [7, 0, 52, 31, 31];

async function twin(t: Teardown): Promise<Float64Twin> {
  const modelDir = await checkpoint(t, DENSE);
  const path = await writeOnnxGraph({ modelDir, precision: 'float64', taps: true });
  const loaded = await Float64Twin.load(path, config);
  t.teardown(() => loaded.dispose());
  return loaded;
}

test('a forward pass returns a row of float64 logits for each id, or for the last ones', async (t) => {
  const loaded = await twin(t);
  const { logits } = await loaded.forward(IDS);
  t.true(logits instanceof Float64Array);
  t.is(logits.length, IDS.length * V);
  const last = (await loaded.forward(IDS, 2)).logits;
  t.is(last.length, 2 * V);
  for (const [i, value] of last.entries()) t.true(Math.abs(value - logits[3 * V + i]) < 1e-12);
});

test('the twin returns every stage of every position', async (t) => {
  const { stages } = await (await twin(t)).forward(IDS, 1);
  t.deepEqual([...stages.keys()].sort(), [...tapNames(config)].sort());
  t.is(stages.get('hidden_states.0')!.length, IDS.length * config.hiddenSize);
  t.false([...stages.keys()].some((name) => name.startsWith('present.')));
});

test('only selected stages are returned, with the logits', async (t) => {
  const loaded = await twin(t);
  const all = await loaded.forward(IDS);
  const some = await loaded.forward(IDS, IDS.length, (stage) => stage === 'hidden_states.1');
  t.deepEqual([...some.stages.keys()], ['hidden_states.1']);
  t.deepEqual(some.stages.get('hidden_states.1'), all.stages.get('hidden_states.1'));
  t.deepEqual(some.logits, all.logits);
});

test("the twin's numbers are finer than float32", async (t) => {
  const { logits } = await (await twin(t)).forward(IDS);
  t.true(logits.filter((value) => Math.fround(value) !== value).length > 0.9 * logits.length);
});

for (const [name, json] of [
  ['a dense model', DENSE],
  ['a mixture of experts', MOE],
] as const) {
  test(`the twin of ${name} differs from the reference by float32 rounding only`, async (t) => {
    const modelDir = await checkpoint(t, json);
    const { config } = makeModel(json, 'F32', 1);
    await writeOnnxGraph({ modelDir, precision: 'float32', taps: true });
    const path = await writeOnnxGraph({ modelDir, precision: 'float64', taps: true });
    const [reference, loaded] = [await Reference.load(modelDir), await Float64Twin.load(path, config)];
    t.teardown(() => Promise.all([reference.dispose(), loaded.dispose()]));
    const [got, truth] = [await reference.forward(IDS), await loaded.forward(IDS)];
    got.stages.set('logits', got.logits);
    truth.stages.set('logits', truth.logits);
    for (const [stage, values] of truth.stages) {
      const largest = Math.max(...values.map(Math.abs));
      const furthest = Math.max(...values.map((value, i) => Math.abs(value - got.stages.get(stage)![i])));
      t.true(furthest <= 3e-6 * largest, `${stage}: ${furthest} of ${largest}`);
    }
  });
}
