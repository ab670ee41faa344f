import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { packageVersion } from '../../../../engine/terminal/package-version.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

test('the version is that of the project', async (t) => {
  const { default: json } = await import('../../../../package.json', { with: { type: 'json' } });
  t.is(packageVersion(), json.version);
});

test('the nearest package.json counts, for sources and for compiled files', (t) => {
  const folder = temporaryFolder(t);
  const root = join(folder, 'node_modules', 'plumbline-llm');
  for (const part of ['engine/terminal', 'dist/engine/terminal']) {
    mkdirSync(join(root, part), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{"version": "9.9.9"}');
  writeFileSync(join(root, 'package.json'), '{"version": "1.2.3"}');
  for (const module of ['engine/terminal/a.ts', 'dist/engine/terminal/a.js', 'a.js']) {
    t.is(packageVersion(pathToFileURL(join(root, module))), '1.2.3', module);
  }
});

test('a module without a package.json above it is an error', (t) => {
  t.throws(() => packageVersion('file:///no/such/folder/a.js'), {
    message: 'file:///no/such/folder/a.js: no package.json in any folder above',
  });
});
