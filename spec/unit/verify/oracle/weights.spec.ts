import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { CheckpointError } from '../../../../engine/errors.ts';
import { readOracleWeights } from '../../../../verify/oracle/weights.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';
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

test('a directory without a checkpoint is refused, and no file is left open', (t) => {
  const before = readdirSync('/proc/self/fd').length;
  t.throws(() => readOracleWeights(temporaryFolder(t)), { instanceOf: CheckpointError });
  t.is(readdirSync('/proc/self/fd').length, before);
});
