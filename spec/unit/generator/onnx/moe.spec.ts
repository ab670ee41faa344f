import { join } from 'node:path';
import test from 'ava';
import { type TensorData, writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { makeModel } from '../../../support/properties/arbitraries.ts';
import { checkpoint, MOE, type Teardown } from './checkpoints.ts';
import { largestDifference, run, session, values } from './sessions.ts';

const IDS = [[3, 1, 4, 1, 52]];

/** Layer 1's MLP output of a model whose weights `change` has altered. */
async function mlpOutput(
  t: Teardown,
  json: object,
  change: (name: string, data: Float32Array) => void,
): Promise<number[]> {
  const config = { ...MOE, ...json };
  const dir = await checkpoint(t, config);
  const weights = new Map<string, TensorData>();
  for (const [name, { shape, data }] of makeModel(config, 'F32', 1).weights) {
    const changed = Float32Array.from(data);
    change(name, changed);
    weights.set(name, { dtype: 'F32', shape, data: changed });
  }
  writeSafetensors(join(dir, 'model.safetensors'), weights);
  const path = await writeOnnxGraph({ modelDir: dir, precision: 'float32', taps: true });
  return values(await run(await session(t, path), { ids: IDS }), 'layers.1.mlp');
}

/** Makes all experts equally likely, and changes one expert's weights. */
const tied = (altered?: number) => (name: string, data: Float32Array) => {
  if (name.endsWith('mlp.gate.weight')) data.fill(0);
  if (name.includes(`.experts.${altered}.`)) data.fill(1);
};

test('of equally likely experts, those of the lowest index are chosen', async (t) => {
  const output = await mlpOutput(t, {}, tied());
  for (const unused of [3, 4]) {
    t.deepEqual(await mlpOutput(t, {}, tied(unused)), output, `expert ${unused} should not be used`);
  }
  for (const used of [0, 1, 2]) {
    t.notDeepEqual(await mlpOutput(t, {}, tied(used)), output, `expert ${used} should be used`);
  }
});

test('with norm_topk_prob the chosen weights sum to 1, without it to their share of all experts', async (t) => {
  const normed = await mlpOutput(t, { norm_topk_prob: true }, tied());
  const plain = await mlpOutput(t, { norm_topk_prob: false }, tied());
  // Three of five experts that are equally likely.
  t.true(
    largestDifference(
      plain,
      normed.map((value) => value * 0.6),
    ) < 1e-6,
  );
  t.true(largestDifference(plain, normed) > 1e-2);
});
