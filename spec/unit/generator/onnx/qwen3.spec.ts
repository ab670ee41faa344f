import test from 'ava';
import fc from 'fast-check';
import { parseModelConfig } from '../../../../engine/config.ts';
import { tapNames } from '../../../../generator/onnx/taps.ts';
import { writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { type OracleRun, oracleFromWeights } from '../../../../verify/oracle/oracle.ts';
import {
  makeModel,
  modelAndPrompts,
  type TinyModel,
  writeModelDirectory,
} from '../../../support/properties/arbitraries.ts';
import { checkpoint, DENSE, MOE, type Teardown, temporaryDir } from './checkpoints.ts';
import { largestDifference, run, session, values } from './sessions.ts';

/** A graph's outputs by the oracle, under the names of the taps. */
function expectedOutputs({ logits, hidden, stages }: OracleRun): Map<string, Float64Array> {
  const states = hidden.map(
    (state, i) => [`hidden_states.${i === hidden.length - 1 ? 'final' : i}`, state] as const,
  );
  return new Map([...states, ...stages, ['logits', logits]]);
}

/** The largest difference of any tap of the float64 graph to the oracle, and where it is. */
async function distanceToOracle(
  t: Teardown,
  model: TinyModel,
  ids: number[],
): Promise<{ off: number; at: string }> {
  const modelDir = await temporaryDir(t);
  writeModelDirectory(modelDir, model);
  const loaded = await session(t, await writeOnnxGraph({ modelDir, precision: 'float64', taps: true }));
  const outputs = await run(loaded, { ids: [ids] });
  const expected = expectedOutputs(oracleFromWeights(model.config, model.weights).forward(ids));
  let worst = { off: 0, at: 'nowhere' };
  for (const name of [...tapNames(model.config), 'logits']) {
    const off = largestDifference(values(outputs, name), expected.get(name)!);
    if (off > worst.off) worst = { off, at: name };
  }
  return worst;
}

for (const modelType of ['qwen3', 'qwen3_moe'] as const) {
  test(`${modelType}: logits and taps of random models in float64 are those of the formulae`, async (t) => {
    const same = fc.asyncProperty(modelAndPrompts({ modelType }), async ({ model, prompts }) => {
      const { off, at } = await distanceToOracle(t, model, prompts[0]);
      if (!(off < 1e-10)) throw new Error(`${at} is off by ${off}`);
    });
    await t.notThrowsAsync(fc.assert(same, { seed: 20261122, numRuns: 8 }));
  });
}

test('a graph without taps has the inputs and outputs that transformers.js expects of a decoder', async (t) => {
  const loaded = await session(
    t,
    await writeOnnxGraph({ modelDir: await checkpoint(t, DENSE), precision: 'float32', taps: false }),
  );
  const cache = (prefix: string) =>
    [0, 1].flatMap((layer) => [`${prefix}.${layer}.key`, `${prefix}.${layer}.value`]);
  t.deepEqual(
    [...loaded.inputNames].sort(),
    ['attention_mask', 'input_ids', 'num_logits_to_keep', 'position_ids', ...cache('past_key_values')].sort(),
  );
  t.deepEqual([...loaded.outputNames].sort(), ['logits', ...cache('present')].sort());
  const key = loaded.inputMetadata.find(({ name }) => name === 'past_key_values.1.key')!;
  t.deepEqual(key.isTensor && [key.type, ...key.shape], ['float32', 'batch_size', 2, 'past', 6]);
});

test('a graph with taps has those of tapNames as further outputs, in the shapes it declares', async (t) => {
  const modelDir = await checkpoint(t, MOE);
  const plain = await session(
    t,
    await writeOnnxGraph({ modelDir, precision: 'float32', taps: false, fileName: 'plain' }),
  );
  const tapped = await session(t, await writeOnnxGraph({ modelDir, precision: 'float32', taps: true }));
  t.deepEqual(
    [...tapped.outputNames].sort(),
    [...plain.outputNames, ...tapNames(parseModelConfig(MOE))].sort(),
  );
  const outputs = await run(tapped, {
    ids: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  });
  for (const meta of tapped.outputMetadata) {
    if (!meta.isTensor) continue;
    const names: Record<string, number> = { batch_size: 2, time: 3, kept: 3, past: 0, total: 3 };
    t.deepEqual(
      outputs[meta.name].dims,
      meta.shape.map((size) => (typeof size === 'string' ? names[size] : size)),
      meta.name,
    );
  }
});

test('num_logits_to_keep selects the last positions, and 0 selects all', async (t) => {
  const loaded = await session(
    t,
    await writeOnnxGraph({ modelDir: await checkpoint(t, DENSE), precision: 'float64', taps: false }),
  );
  const ids = [
    [8, 1, 50, 2],
    [4, 4, 0, 9],
  ];
  const all = await run(loaded, { ids });
  t.deepEqual(all.logits.dims, [2, 4, 53]);
  for (const count of [1, 3, 4, 99]) {
    const kept = await run(loaded, { ids, numLogitsToKeep: count });
    const time = Math.min(count, 4);
    t.deepEqual(kept.logits.dims, [2, time, 53]);
    const expected = [0, 1].flatMap((b) =>
      values(all, 'logits').slice(((b + 1) * 4 - time) * 53, (b + 1) * 4 * 53),
    );
    t.true(largestDifference(values(kept, 'logits'), expected) < 1e-12, `${count} positions`);
  }
});

test('tied embeddings are the head, even if the checkpoint has an unused head', async (t) => {
  const tied = makeModel({ ...DENSE, tie_word_embeddings: true }, 'F32', 1);
  const other = makeModel(DENSE, 'F32', 2).weights.get('lm_head.weight')!;
  const both = { ...tied, weights: new Map([...tied.weights, ['lm_head.weight', other]]) };
  for (const model of [tied, both]) {
    const { off, at } = await distanceToOracle(t, model, [3, 1, 4]);
    t.true(off < 1e-10, `${at} is off by ${off}`);
  }
});
