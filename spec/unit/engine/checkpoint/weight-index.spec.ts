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
    JSON.stringify({ metadata: { total_size: 8 }, weight_map: { a: 'x.safetensors', b: 'y.safetensors' } }),
  );
  t.deepEqual(
    [...readWeightIndex(path)],
    [
      ['a', 'x.safetensors'],
      ['b', 'y.safetensors'],
    ],
  );
});

test('an index that is not JSON, is empty, or leads out of its directory is refused with its path', (t) => {
  const path = join(temporaryFolder(t), 'index.json');
  for (const [text, problem] of [
    ['{', /is not readable JSON/],
    ['{}', /has no weight_map/],
    ['{"weight_map": {"a": 1}}', /has no weight_map/],
    ['{"weight_map": {}}', /weight_map is empty/],
    ['{"weight_map": {"a": "../x.safetensors"}}', /"\.\.\/x\.safetensors" is not a shard's file name/],
    ['{"weight_map": {"a": "x.bin"}}', /"x\.bin" is not a shard's file name/],
  ] as const) {
    writeFileSync(path, text);
    const error = t.throws(() => readWeightIndex(path), { instanceOf: CheckpointError, message: problem });
    t.true(error.message.startsWith(path));
  }
});
