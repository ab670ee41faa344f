import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError, FileError } from '../../../../engine/errors.ts';
import { copyModel } from '../../../../generator/export/copy-model.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

test('configuration, tokenizer, index and all shards are copied, and nothing else', async (t) => {
  const source = await ensureFixture('moe-nonorm');
  const linked = temporaryFolder(t);
  // As in the hub's cache.
  for (const file of readdirSync(source)) symlinkSync(join(source, file), join(linked, file));
  writeFileSync(join(linked, 'notes.txt'), 'private');
  const target = temporaryFolder(t);
  const progress: [done: number, total: number][] = [];
  await copyModel(linked, target, (...report) => progress.push(report));
  const files = readdirSync(source).filter((file) => !lstatSync(join(source, file)).isDirectory());
  t.deepEqual(readdirSync(target).sort(), files.sort());
  for (const file of files) {
    t.true(lstatSync(join(target, file)).isFile(), `${file} is no link`);
    t.true(readFileSync(join(source, file)).equals(readFileSync(join(target, file))), file);
  }
  const [done, total] = progress.at(-1)!;
  t.is(done, total);
});

test('chat templates are copied with their folder, and nothing else of it', async (t) => {
  const source = temporaryFolder(t);
  const fixture = await ensureFixture('dense');
  for (const file of ['config.json', 'model.safetensors'])
    symlinkSync(join(fixture, file), join(source, file));
  writeFileSync(join(source, 'chat_template.jinja'), 'default');
  mkdirSync(join(source, 'additional_chat_templates'));
  writeFileSync(join(source, 'additional_chat_templates/tool_use.jinja'), 'tools');
  writeFileSync(join(source, 'additional_chat_templates/README'), 'private');
  const target = temporaryFolder(t);
  await copyModel(source, target);
  t.deepEqual(readdirSync(join(target, 'additional_chat_templates')), ['tool_use.jinja']);
  t.is(readFileSync(join(target, 'additional_chat_templates/tool_use.jinja'), 'utf8'), 'tools');
  t.is(readFileSync(join(target, 'chat_template.jinja'), 'utf8'), 'default');
});

const INDEX = 'model.safetensors.index.json';

/** Writes a weight of two bytes. */
function writeWeight(path: string, name: string): void {
  writeSafetensors(path, new Map([[name, { dtype: 'BF16', shape: [1], data: new Uint8Array(2) }]]));
}

for (const count of [1, 2, 3]) {
  test(`a checkpoint whose index lists ${count} of its shards can be opened where it is copied to`, async (t) => {
    const [source, target] = [temporaryFolder(t), temporaryFolder(t)];
    const shards = Array.from({ length: count }, (_, i) => `model-0000${i + 1}-of-0000${count}.safetensors`);
    for (const [i, shard] of shards.entries()) writeWeight(join(source, shard), `weight ${i}`);
    const weightMap = Object.fromEntries(shards.map((shard, i) => [`weight ${i}`, shard]));
    writeFileSync(join(source, INDEX), JSON.stringify({ weight_map: weightMap }));
    await copyModel(source, target);
    t.deepEqual(readdirSync(target).sort(), [...shards, INDEX]);
    const copied = Checkpoint.open(target);
    copied.close();
    t.deepEqual([...copied.tensors.keys()], Object.keys(weightMap));
  });
}

test('an index and shards beside a single file, which nothing reads, are not copied', async (t) => {
  const [source, target] = [temporaryFolder(t), temporaryFolder(t)];
  writeWeight(join(source, 'model.safetensors'), 'weight');
  writeWeight(join(source, 'old.safetensors'), 'weight');
  writeFileSync(join(source, INDEX), JSON.stringify({ weight_map: { weight: 'old.safetensors' } }));
  await copyModel(source, target);
  t.deepEqual(readdirSync(target), ['model.safetensors']);
});

test('a directory without weights is refused', async (t) => {
  await t.throwsAsync(copyModel(temporaryFolder(t), temporaryFolder(t)), { instanceOf: CheckpointError });
});

test('a file that cannot be written is named, and no file stays open', async (t) => {
  const target = temporaryFolder(t);
  mkdirSync(join(target, 'config.json'));
  await t.throwsAsync(copyModel(await ensureFixture('dense'), target), {
    instanceOf: FileError,
    message: /^cannot copy .*\/config\.json to .*\/config\.json \(EEXIST\)$/,
  });
});
