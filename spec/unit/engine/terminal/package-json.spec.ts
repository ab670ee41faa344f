import { readFileSync } from 'node:fs';
import test from 'ava';
import { readPackageJson } from '../../../../engine/terminal/package-json.ts';

test('package.json is that of the project', (t) => {
  const path = new URL('../../../../package.json', import.meta.url);
  t.deepEqual(readPackageJson(), JSON.parse(readFileSync(path, 'utf8')));
});
