import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { systemFingerprint } from '../../../../engine/server/system-fingerprint.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';

trackResources(test);

test('a fingerprint names program, weights and kernels; it changes with a weight or the configuration', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const fingerprint = await systemFingerprint(dir);
  t.regex(fingerprint, /^plumbline-\d+\.\d+\.\d+-weights-[0-9a-f]{12}-kernels-[0-9a-f]{12}$/);
  const copy = join(temporaryFolder(t), 'copy');
  cpSync(dir, copy, { recursive: true });
  t.is(await systemFingerprint(copy), fingerprint, 'wherever it lies');

  const weights = join(copy, 'model.safetensors');
  const bytes = readFileSync(weights);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(weights, bytes);
  const others = [await systemFingerprint(copy)];
  const config = join(copy, 'config.json');
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), rope_theta: 7 }));
  others.push(await systemFingerprint(copy));
  t.is(new Set([fingerprint, ...others]).size, 3);
  await t.throwsAsync(systemFingerprint('/nowhere'), { name: 'ConfigError' });
});
