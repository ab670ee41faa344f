import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { readOracleWeights } from '../../../../verify/oracle/weights.ts';
import { openFilesIn, temporaryFolder } from '../../../support/processes/cleanup.ts';
import { tinyModel, writeModelDirectory } from '../../../support/properties/arbitraries.ts';

for (const dtype of ['F32', 'F16', 'BF16'] as const) {
  test(`every weight of a checkpoint in ${dtype} is read with its name, shape and exact values`, (t) => {
    const [model] = fc.sample(tinyModel({ dtype }), { numRuns: 1, seed: 7 });
    const modelDir = join(temporaryFolder(t), 'model');
    writeModelDirectory(modelDir, model);
    const weights = readOracleWeights(modelDir);
    t.deepEqual([...weights.keys()].sort(), [...model.weights.keys()].sort());
    for (const [name, { shape, data }] of model.weights) {
      t.deepEqual(weights.get(name), { shape: [...shape], data }, name);
    }
  });
}

test('a directory without a checkpoint is refused', (t) => {
  t.throws(() => readOracleWeights(temporaryFolder(t)), { instanceOf: CheckpointError });
});

test('no file of a checkpoint is left open, whether its weights are read or refused', (t) => {
  const [model] = fc.sample(tinyModel({ dtype: 'F32' }), { numRuns: 1, seed: 7 });
  const modelDir = join(temporaryFolder(t), 'model');
  writeModelDirectory(modelDir, model);
  readOracleWeights(modelDir);
  t.deepEqual(openFilesIn(modelDir), []);
  const weight = { dtype: 'I32', shape: [2], data: new Uint8Array(8) };
  writeSafetensors(join(modelDir, 'model.safetensors'), new Map([['model.norm.weight', weight]]));
  t.throws(() => readOracleWeights(modelDir), { message: /I32/ });
  t.deepEqual(openFilesIn(modelDir), []);
});
