import { basename } from 'node:path';
import test from 'ava';
import { goldenName } from '../../../generator/golden-name.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

test('goldens are named after the fixture, the directory, or the hub id with its slash replaced', (t) => {
  t.is(goldenName('qwen3-0.6b-shape'), 'qwen3-0.6b-shape');
  t.is(goldenName('Qwen/Qwen3-0.6B'), 'Qwen--Qwen3-0.6B');
  const folder = temporaryFolder(t);
  t.is(goldenName(`${folder}/`), basename(folder));
});
