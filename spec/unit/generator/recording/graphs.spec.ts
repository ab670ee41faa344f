import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InferenceSession } from 'onnxruntime-node';
import { tapNames } from '../../../../generator/onnx/taps.ts';
import { GRAPHS, writeGraphs } from '../../../../generator/recording/graphs.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { makeModel, writeModelDirectory } from '../../../support/properties/arbitraries.ts';
import { DENSE } from '../onnx/checkpoints.ts';

trackResources(test);

test('a checkpoint gets three graphs: plain for the reference, tapped, and tapped in float64', async (t) => {
  const modelDir = temporaryFolder(t);
  const model = makeModel(DENSE, 'F32', 1);
  writeModelDirectory(modelDir, model);
  await writeGraphs(modelDir);
  const onnx = join(modelDir, 'onnx');
  t.deepEqual(readdirSync(onnx).sort(), [
    'model.onnx',
    'model.safetensors',
    'model_float64.onnx',
    'model_tapped.onnx',
  ]);
  for (const [name, taps, type] of [
    [GRAPHS.reference, [], 'float32'],
    [GRAPHS.tapped, tapNames(model.config), 'float32'],
    [GRAPHS.float64, tapNames(model.config), 'float64'],
  ] as const) {
    const session = await InferenceSession.create(join(onnx, `${name}.onnx`));
    t.teardown(() => session.release());
    const stages = session.outputNames.filter((output) => !/^(logits|present\.)/.test(output));
    t.deepEqual(stages.sort(), [...taps].sort(), name);
    const logits = session.outputMetadata.find((output) => output.name === 'logits');
    t.is(logits?.isTensor && logits.type, type);
  }
});
