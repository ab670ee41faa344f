import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SafetensorsFile } from '../../../engine/checkpoint/safetensors.ts';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../../engine/config.ts';
import { writeLargeCheckpoint } from '../../../generator/large-checkpoint.ts';
import { BLOCK_VALUES, countBlocks, WeightBlocks } from '../../../generator/weight-blocks.ts';
import { closing, temporaryFolder, trackResources } from '../../support/cleanup.ts';
import { DENSE } from './onnx/checkpoints.ts';

trackResources(test);

/** The embedding takes three blocks, the last of them short. */
const CONFIG = parseModelConfig({ ...DENSE, vocab_size: 105_000 });
const RECIPE = { seed: 'large', finalNormMean: 2 };

test('every tensor is where the header says, block by block as it is drawn', async (t) => {
  const path = join(temporaryFolder(t), 'model.safetensors');
  await writeLargeCheckpoint(path, CONFIG, RECIPE, { threads: 2 });
  const file = closing(t, SafetensorsFile.open(path));
  const blocks = new WeightBlocks(RECIPE);
  t.deepEqual([...file.tensors.keys()].sort(), [...expectedWeights(CONFIG).keys()].sort());
  for (const [name, shape] of expectedWeights(CONFIG)) {
    t.deepEqual(file.tensors.get(name)!.shape, [...shape]);
    const bytes = Buffer.from(file.read(name));
    for (let block = 0; block < countBlocks(shape); block++) {
      const values = blocks.draw(name, shape, block);
      const begin = block * BLOCK_VALUES * 2;
      const found = bytes.subarray(begin, begin + values.byteLength);
      t.true(found.equals(new Uint8Array(values.buffer)), `${name}, block ${block}`);
    }
  }
  t.is(countBlocks(expectedWeights(CONFIG).get('model.embed_tokens.weight')!), 3);
});

test('the bytes are the same whatever the number of threads', async (t) => {
  const folder = temporaryFolder(t);
  const written = [];
  for (const threads of [1, 2, 5]) {
    const path = join(folder, `${threads}.safetensors`);
    await writeLargeCheckpoint(path, CONFIG, RECIPE, { threads });
    written.push(readFileSync(path));
  }
  t.true(written[0].equals(written[1]) && written[0].equals(written[2]));
  t.is(readdirSync(folder).length, 3);
});

test('progress counts every byte once, up to all of them', async (t) => {
  const path = join(temporaryFolder(t), 'model.safetensors');
  const told: [number, number][] = [];
  await writeLargeCheckpoint(path, CONFIG, RECIPE, { onProgress: (...now) => told.push(now) });
  const values = [...expectedWeights(CONFIG).values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  const total = 2 * values.reduce((a, b) => a + b);
  t.deepEqual(told.at(-1), [total, total]);
  t.true(told.every(([done], i) => i === 0 || done > told[i - 1][0]));
  t.is(
    told.length,
    [...expectedWeights(CONFIG).values()].reduce((sum, shape) => sum + countBlocks(shape), 0),
  );
});

test('a file that cannot be written rejects with the reason, and nothing of it is left', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'model.safetensors');
  await t.throwsAsync(writeLargeCheckpoint(join(path, 'x'), CONFIG, RECIPE), { code: 'ENOENT' });
  // A folder is in the way when the finished file gets its name.
  mkdirSync(path);
  await t.throwsAsync(writeLargeCheckpoint(path, CONFIG, RECIPE), { message: /EISDIR|ENOTEMPTY/ });
  t.deepEqual(readdirSync(folder), ['model.safetensors']);
});

test('a thread that fails ends the others, and its error comes through', async (t) => {
  const folder = temporaryFolder(t);
  // Only the threads come to compute with it.
  const broken = { ...RECIPE, finalNormMean: 2n as unknown as number };
  const writing = writeLargeCheckpoint(join(folder, 'model.safetensors'), CONFIG, broken, { threads: 2 });
  // What crosses threads is no native error any more, which is all that throwsAsync takes for one.
  const error: unknown = await writing.catch((reason) => reason);
  t.true(error instanceof TypeError && /BigInt/.test(error.message), String(error));
  t.deepEqual(readdirSync(folder), []);
});
