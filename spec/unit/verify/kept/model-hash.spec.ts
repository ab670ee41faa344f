import { readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { modelHash } from '../../../../verify/kept/model-hash.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

/** A directory with a configuration, and weights that are large enough for their hash to be kept. */
function model(t: ExecutionContext) {
  const modelDir = temporaryFolder(t);
  const weights = join(modelDir, 'model.safetensors');
  writeFileSync(join(modelDir, 'config.json'), '{}');
  writeFileSync(join(modelDir, 'tokenizer.json'), '{}');
  writeFileSync(weights, 'weights');
  truncateSync(weights, 4 * 2 ** 20);
  const folder = temporaryFolder(t);
  const read: string[] = [];
  const hash = (options: { signal?: AbortSignal; now?: () => number } = {}) =>
    modelHash(modelDir, { ...options, folder, onRead: (path) => read.push(path) });
  return { modelDir, weights, folder, read, hash };
}

test('a hash changes with the configuration, the weights and their names, and with no other file', async (t) => {
  const { modelDir, hash } = model(t);
  const first = await hash();
  t.regex(first, /^[0-9a-f]{64}$/);
  writeFileSync(join(modelDir, 'tokenizer.json'), '[]');
  t.is(await hash(), first);
  writeFileSync(join(modelDir, 'config.json'), '[]');
  const second = await hash();
  writeFileSync(join(modelDir, 'extra.safetensors'), '');
  t.is(new Set([first, second, await hash()]).size, 3);
});

test('large weights are read until they have been left alone for two seconds, and then once', async (t) => {
  const { weights, folder, read, hash } = model(t);
  const first = await hash();
  t.is(await hash(), first);
  t.deepEqual(read, [weights, weights], 'they might change within the same time stamp');
  t.deepEqual(readdirSync(folder), []);
  const now = () => Date.now() + 2050;
  t.is(await hash({ now }), first);
  t.is(await hash(), first);
  t.is(read.length, 3);
  const [kept] = readdirSync(folder);
  writeFileSync(join(folder, kept), 'half a h');
  t.is(await hash({ now }), first, 'a kept hash that is none is not used');
  await hash();
  t.is(read.length, 4);
  utimesSync(weights, 1, 1);
  await hash();
  t.is(read.length, 5, 'their time stamps have changed');
});

test('reading large weights ends at the signal', async (t) => {
  const { hash } = model(t);
  const reason = new Error('stopped');
  t.is(await t.throwsAsync(hash({ signal: AbortSignal.abort(reason) })), reason);
});
