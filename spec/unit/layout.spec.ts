import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import test from 'ava';
import { parseArchitecture } from '../support/layout/architecture.ts';
import { staleNames, wrongImports } from '../support/layout/import-rules.ts';
import { importCycles, importsOf, type Sources } from '../support/layout/imports.ts';
import { languageProblems } from '../support/layout/language.ts';
import { WITHOUT_SPEC } from '../support/layout/without-spec.ts';

const ROOT = new URL('../../', import.meta.url);
const FOLDERS = ['engine', 'generator', 'golden', 'verify', 'spec'];

const MAX_LINES = 300;

function withoutSpec(sources: Sources, exempt: Readonly<Record<string, string>>): string[] {
  const isExempt = (path: string) =>
    Object.keys(exempt).some((name) => path === name || (name.endsWith('/') && path.startsWith(name)));
  return [...sources.keys()]
    .filter((path) => /^(engine|generator|verify)\//.test(path) && !isExempt(path))
    .map((path) => [path, `spec/unit/${path.replace(/\.ts$/, '.spec.ts')}`])
    .filter(([, spec]) => !sources.has(spec))
    .map(([path, spec]) => `${path} has no ${spec}`);
}

function tooLong(sources: Sources): string[] {
  return [...sources]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines; at most ${MAX_LINES} are easily read`);
}

function readSources(): Sources {
  const paths = FOLDERS.filter((folder) => existsSync(new URL(folder, ROOT))).flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts') && !path.startsWith('engine/kernels/build/')),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(new URL(path, ROOT), 'utf8')]));
}

const sources = readSources();
const architecture = parseArchitecture(readFileSync(new URL('ARCHITECTURE.md', ROOT), 'utf8'));

test('every import follows the arrows and the layers of ARCHITECTURE.md', (t) => {
  t.deepEqual(wrongImports(sources, architecture), []);
});

test('every name in the tables of ARCHITECTURE.md has a source', (t) => {
  t.deepEqual(staleNames(sources, architecture), []);
});

test('no files import each other in a circle', (t) => {
  t.deepEqual(importCycles(sources), []);
});

test('every source of engine, generator and verify has a unit spec at the mirrored path', (t) => {
  t.deepEqual(withoutSpec(sources, WITHOUT_SPEC), []);
});

test('every exemption from a unit spec names a source that exists', (t) => {
  const stale = Object.keys(WITHOUT_SPEC).filter(
    (name) => ![...sources.keys()].some((p) => p.startsWith(name)),
  );
  t.deepEqual(stale, []);
});

test('the root of engine/ has the public API and what every layer uses, and no other file', (t) => {
  const files = [...sources.keys()].filter((path) => /^engine\/[^/]*$/.test(path));
  t.deepEqual(
    files.map((path) => posix.basename(path)),
    ['cli.ts', 'config.ts', 'engine.ts', 'errors.ts', 'index.ts', 'options.ts', 'runner.ts'],
  );
});

test('no file is too long to be read', (t) => {
  t.deepEqual(tooLong(sources), []);
});

test('comments fit into 110 columns, and comments and titles avoid the words that hide their subject', (t) => {
  t.deepEqual(
    [...sources].flatMap(([path, text]) => languageProblems(path, text)),
    [],
  );
});

/** Sources of which one imports another. */
const pair = (from: string, to: string): Sources =>
  new Map([
    [from, `import { x } from '${posix.relative(posix.dirname(from), to).replace(/^(?!\.)/, './')}';`],
    [to, ''],
  ]);

test('an import against the arrows is found', (t) => {
  for (const [from, to] of [
    ['engine/engine.ts', 'golden/schema.ts'],
    ['engine/engine.ts', 'generator/fixtures/fixtures.ts'],
    ['engine/cli/generate.ts', 'generator/fixtures/fixtures.ts'],
    ['engine/cli.ts', 'generator/recording/record.ts'],
    ['engine/model/qwen3.ts', 'verify/oracle/oracle.ts'],
    ['generator/recording/record.ts', 'engine/kernels/scalar.ts'],
    ['generator/recording/record.ts', 'engine/model/qwen3.ts'],
    ['generator/recording/record.ts', 'engine/index.ts'],
    ['generator/recording/record.ts', 'verify/oracle/oracle.ts'],
    ['generator/export/command.ts', 'verify/cases/prompt-cases.ts'],
    ['generator/cli.ts', 'verify/oracle/oracle.ts'],
    ['generator/fixtures/fixtures.ts', 'engine/text/tokenizer.ts'],
    ['generator/fixtures/fixtures.ts', 'generator/onnx/write.ts'],
    ['generator/onnx/write.ts', 'generator/recording/record.ts'],
    ['generator/review/changes.ts', 'generator/recording/record.ts'],
    ['golden/schema.ts', 'engine/config.ts'],
    ['golden/schema.ts', 'generator/recording/record.ts'],
    ['verify/explain.ts', 'engine/engine.ts'],
    ['verify/explain.ts', 'engine/model/qwen3.ts'],
    ['verify/explain.ts', 'generator/fixtures/fixtures.ts'],
    ['verify/explain.ts', 'spec/support/models/published.ts'],
  ]) {
    t.deepEqual(wrongImports(pair(from, to), architecture), [`${from} must not import ${to}`]);
  }
  t.deepEqual(wrongImports(pair('misc/a.ts', 'engine/errors.ts'), architecture), [
    'misc/a.ts is in no row of the table "may import from" in ARCHITECTURE.md',
  ]);
});

test('an import up or across the layers of the engine is found', (t) => {
  for (const [from, to, way] of [
    ['engine/errors.ts', 'engine/text/chat.ts', 'upward'],
    ['engine/text/chat.ts', 'engine/model/qwen3.ts', 'upward'],
    ['engine/checkpoint/checkpoint.ts', 'engine/hub/cache.ts', 'upward'],
    ['engine/serving/sampler.ts', 'engine/engine.ts', 'upward'],
    ['engine/distributed/leader.ts', 'engine/runner.ts', 'upward'],
    ['engine/index.ts', 'engine/cli/generate.ts', 'upward'],
    ['engine/kernels/wasm.ts', 'engine/checkpoint/weights.ts', 'sideways'],
    ['engine/serving/requests.ts', 'engine/model/step.ts', 'sideways'],
    ['engine/parallel/transport.ts', 'engine/kernels/pool.ts', 'sideways'],
    ['engine/terminal/progress.ts', 'engine/kernels/pool.ts', 'upward'],
  ]) {
    t.deepEqual(wrongImports(pair(from, to), architecture), [`${from} must not import ${way} from ${to}`]);
  }
  for (const [from, to] of [
    ['engine/misc/a.ts', 'engine/errors.ts'],
    ['engine/engine.ts', 'engine/misc/a.ts'],
  ]) {
    t.deepEqual(wrongImports(pair(from, to), architecture), [
      'engine/misc/a.ts is in no part of the engine in ARCHITECTURE.md',
    ]);
  }
});

test('imports along the arrows, down the layers and within a part are allowed', (t) => {
  for (const [from, to] of [
    ['engine/config.ts', 'engine/errors.ts'],
    ['engine/model/qwen3.ts', 'engine/model/rope.ts'],
    ['engine/model/qwen3.ts', 'engine/kernels/wasm.ts'],
    ['engine/kernels/assembly/index.ts', 'engine/kernels/assembly/matmul.ts'],
    ['engine/hub/wanted.ts', 'engine/checkpoint/weight-index.ts'],
    ['engine/engine.ts', 'engine/runner.ts'],
    ['engine/cli/generate.ts', 'engine/engine.ts'],
    ['engine/cli.ts', 'engine/cli/generate.ts'],
    ['engine/cli.ts', 'generator/fixtures/fixtures.ts'],
    ['verify/cli.ts', 'generator/fixtures/fixtures.ts'],
    ['generator/cli.ts', 'verify/cases/prompt-cases.ts'],
    ['generator/recording/record.ts', 'engine/text/tokenizer.ts'],
    ['generator/recording/record.ts', 'golden/schema.ts'],
    ['verify/explain.ts', 'golden/schema.ts'],
    ['verify/adapters/engine.ts', 'engine/index.ts'],
    ['spec/unit/generator/record.spec.ts', 'generator/recording/record.ts'],
  ]) {
    t.deepEqual(wrongImports(pair(from, to), architecture), []);
  }
});

test('a name in the tables that no source has is found', (t) => {
  const tables = { arrows: new Map([['engine/', ['engine/']]]), layers: [[['engine/a.ts'], ['engine/b/']]] };
  t.deepEqual(staleNames(new Map([['engine/a.ts', '']]), tables), ['engine/b/']);
});

test('an import is found however it is written', (t) => {
  for (const statement of [
    "import '../engine.ts';",
    "import type { Engine } from '../engine.ts';",
    "import engine, {\n  type Engine,\n  load as open,\n} from '../engine.ts';",
    "import * as engine from '../engine.ts';",
    "export * from '../engine.ts';",
    "export { Engine } from '../engine.ts';",
    "export const load = async () => import('../engine.ts');",
    "new Worker(new URL('../engine.ts', import.meta.url));",
    "new Worker(siblingModule('../engine.ts', import.meta.url));",
    "new Worker(siblingModule(import.meta.url, '../engine.ts'));",
  ]) {
    const found = importsOf(
      'engine/model/a.ts',
      new Map([['engine/model/a.ts', `import 'x';\n${statement}`]]),
    );
    t.deepEqual(found, ['engine/engine.ts'], statement);
  }
  const assembly = new Map([['engine/kernels/assembly/a.ts', "import { x } from './b';"]]);
  const withTarget = new Map(assembly).set('engine/kernels/assembly/b.ts', '');
  t.deepEqual(importsOf('engine/kernels/assembly/a.ts', withTarget), ['engine/kernels/assembly/b.ts']);
});

test('a circle of imports is found, once', (t) => {
  const circle = new Map([
    ['engine/text/start.ts', "import './a.ts';\nimport './b.ts';"],
    ['engine/text/a.ts', "import './b.ts';"],
    ['engine/text/b.ts', "import './c.ts';"],
    ['engine/text/c.ts', "import './a.ts';"],
  ]);
  const around = ['a', 'b', 'c', 'a'].map((name) => `engine/text/${name}.ts`).join(' → ');
  t.deepEqual(importCycles(circle), [around]);
  t.deepEqual(importCycles(new Map(circle).set('engine/text/c.ts', '')), []);
});

test('a source without its mirrored spec is found, unless it is exempt', (t) => {
  const some: Sources = new Map(
    ['engine/a.ts', 'generator/x/b.ts', 'engine/y/c.ts', 'golden/d.ts', 'spec/unit/engine/a.spec.ts'].map(
      (path) => [path, ''],
    ),
  );
  t.deepEqual(withoutSpec(some, { 'engine/y/': 'a folder' }), [
    'generator/x/b.ts has no spec/unit/generator/x/b.spec.ts',
  ]);
  t.deepEqual(withoutSpec(some, { 'engine/y': 'no folder', 'generator/x/b.ts': 'a file' }), [
    'engine/y/c.ts has no spec/unit/engine/y/c.spec.ts',
  ]);
});

test('a wide comment and a word to avoid are found, in comments and titles only', (t) => {
  const wide = (columns: number) => `// ${'–'.repeat(columns - 3)}`;
  t.deepEqual(languageProblems('a.ts', `${wide(110)}\n  ${wide(109)}`), [
    'a.ts:2: a comment of 111 columns; expected at most 110',
  ]);
  const word = 'gone';
  for (const source of [
    `// Is ${word}.`,
    `/** Is ${word}. */`,
    `/*\n Is ${word}. */`,
    `f(x); // Is ${word}.`,
    `f({ // Is ${word}.`,
    `${'test.serial('}\n  'it is ${word}', (t) => {}`,
  ]) {
    const line = source.startsWith('/*\n') ? 2 : 1;
    t.deepEqual(languageProblems('a.ts', source), [`a.ts:${line}: "${word}"; name the thing in the code`]);
  }
  t.deepEqual(languageProblems('a.ts', "/* a */\nconst gone = 'http://nobody/x // y'; // shallow"), []);
});

test('a file of more than 300 lines is found', (t) => {
  const lines = (count: number) => 'x\n'.repeat(count);
  t.deepEqual(tooLong(new Map([['a.ts', lines(300)]])), []);
  t.deepEqual(tooLong(new Map([['a.ts', lines(301)]])), ['a.ts has 301 lines; at most 300 are easily read']);
});
