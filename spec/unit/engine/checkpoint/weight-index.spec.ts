import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readWeightIndex } from '../../../../engine/checkpoint/weight-index.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('an index maps tensors to the files that hold them', (t) => {
  const path = join(temporaryFolder(t), 'index.json');
  writeFileSync(
    path,
    JSON.stringify({
      metadata: { total_size: 8 },
      weight_map: { a: 'x.safetensors', b: 'Y_1-of.2.safetensors' },
    }),
  );
  t.deepEqual(
    [...readWeightIndex(path)],
    [
      ['a', 'x.safetensors'],
      ['b', 'Y_1-of.2.safetensors'],
    ],
  );
});

test('an index that is not JSON, is empty, or leads out of its directory is refused with its path', (t) => {
  const path = join(temporaryFolder(t), 'index.json');
  for (const [text, problem] of [
    ['{}', 'has no weight_map of tensor names to file names'],
    ['{"weight_map": {"a": 1}}', 'has no weight_map of tensor names to file names'],
    ['{"weight_map": {}}', 'weight_map is empty'],
    ['{"weight_map": {"a": "../x.safetensors"}}', '"../x.safetensors" is not a shard\'s file name'],
    ['{"weight_map": {"a": "x.bin"}}', '"x.bin" is not a shard\'s file name'],
  ] as const) {
    writeFileSync(path, text);
    t.throws(() => readWeightIndex(path), { instanceOf: CheckpointError, message: `${path}: ${problem}` });
  }
  writeFileSync(path, '{');
  const notJson = t.throws(() => readWeightIndex(path), { instanceOf: CheckpointError });
  const { cause } = notJson as { cause?: SyntaxError };
  t.true(cause instanceof SyntaxError);
  t.is(notJson.message, `cannot read ${path} as JSON: ${cause?.message}`);
  writeFileSync(path, `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 700\n`);
  t.throws(() => readWeightIndex(path), {
    instanceOf: CheckpointError,
    message: `cannot read ${path}: it is a Git LFS pointer, not the file itself; run git lfs pull where the model was cloned`,
  });
});
