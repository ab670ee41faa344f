import { readFileSync } from 'node:fs';
import test from 'ava';

const read = (file: string) => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'));
const { allowScripts, devDependencies, dependencies } = read('package.json');
const locked: [string, { hasInstallScript?: boolean }][] = Object.entries(read('package-lock.json').packages);

test('only node runs a script when it is installed', (t) => {
  // npm 10 goes by the lock, newer ones by `allowScripts` too. The script of onnxruntime-node would download
  // CUDA.
  const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
  t.deepEqual(
    scripted,
    ['node_modules/node'],
    'remove "hasInstallScript" of the others from package-lock.json, and set them to false in allowScripts',
  );
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  t.deepEqual(allowed, ['node']);
  t.false(allowScripts['onnxruntime-node']);
});

test('every version is pinned', (t) => {
  for (const [name, version] of Object.entries<string>({ ...dependencies, ...devDependencies })) {
    t.regex(version, /^\d+\.\d+\.\d+(-[\w.-]+)?$/, name);
  }
});

test('.npmrc has only settings that npm knows: of others it warns at every command', (t) => {
  const lines = readFileSync(new URL('../../.npmrc', import.meta.url), 'utf8').split('\n');
  t.deepEqual(
    lines.filter((line) => line !== '' && !line.startsWith('#')),
    ['save-exact=true'],
  );
});
