import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import test from 'ava';

/**
 * Holds the sources to the picture they were drawn from. Data flows one way:
 *
 *     generator ──▶ golden ──▶ spec ◀── engine
 *
 * The engine knows nothing of the other three, the generator reads files and text as the engine does but has none of
 * its maths, and goldens are data. Specs may see everything, because they mirror everything.
 */
const MAY_IMPORT: Readonly<Record<string, RegExp>> = {
  engine: /^engine\//,
  generator: /^(generator\/|golden\/|engine\/(errors|config)\.ts$|engine\/(checkpoint|terminal|text)\/)/,
  // Goldens are read with the readers of file formats that also write them.
  golden: /^(golden\/|engine\/errors\.ts$|engine\/checkpoint\/)/,
  spec: /^(spec|engine|generator|golden)\//,
};

/** The engine from the ground up. Files directly in engine/ are the ground floor or else the top one. */
const GROUND_FILES = ['engine/errors.ts', 'engine/config.ts'];
const FLOORS = [[], ['checkpoint', 'text', 'kernels', 'parallel'], ['model', 'serving'], ['cli']];
const TOP_FLOOR = FLOORS.length - 1;

/** Sources without a spec of their own, each with the reason; a name that ends in "/" is a folder. */
const WITHOUT_SPEC: Readonly<Record<string, string>> = {
  'engine/index.ts': 're-exports',
  'engine/requests.ts': 'interfaces',
  'engine/cli/prompt-input.ts': 'interfaces',
  'engine/cli/generate-help.ts': 'a text; the specs of generate print it',
  'engine/kernels/kernels.ts': 'an interface and its constants',
  'engine/kernels/constants.ts': 'constants; exp.spec.ts holds the exponential made of them to its accuracy',
  'engine/kernels/pool-thread.ts': 'what a thread of pool.ts runs; its spec starts it',
  'engine/kernels/scalar-attention.ts': 'a part of the scalar kernels, tested with them',
  'engine/rank-model.ts': 'what a rank is from its start to its end; spec/distributed/ runs it and breaks it',
  'engine/rank-main.ts': 'the program of a rank; likewise',
  'engine/parallel/process-group.ts': 'an interface',
  'engine/parallel/fork/rank.ts': 'the program of a rank; spec/distributed/ runs it and breaks it',
  'engine/parallel/fork/rank-process.ts': 'a rank as its launcher sees it; likewise',
  'engine/parallel/fork/warden.ts': 'the thread that watches the ranks; likewise',
  'engine/parallel/fork/watchdog.ts': 'the thread that watches in a rank; likewise',
  'engine/parallel/mpi/calls.ts': 'needs mpirun; spec/distributed/collectives.spec.ts calls it',
  'engine/parallel/mpi/deadline.ts': 'a thread; likewise',
  'engine/parallel/mpi/fail-job.ts': 'needs mpirun; spec/distributed/spread-damage.spec.ts calls it',
  'engine/parallel/mpi/join.ts': 'needs mpirun; likewise',
  'engine/parallel/mpi/mpi-transport.ts': 'needs mpirun; likewise',
  'generator/cli.ts': 'a command; spec/integration/goldens-command.spec.ts runs it',
  'generator/large-checkpoint-worker.ts': 'a thread; large-checkpoint.spec.ts starts it',
  'generator/onnx/model-graph.ts': 'an interface',
  'engine/kernels/assembly/': 'compiled to WebAssembly; the specs of wasm.ts hold it to scalar.ts',
};

const MAX_LINES = 300;

/** Sources by their path from the root of the project, with "/" on every system. */
type Sources = ReadonlyMap<string, string>;

/** The files that a source names in imports, re-exports, dynamic imports and worker URLs, packages left out. */
function importsOf(path: string, sources: Sources): string[] {
  const text = sources.get(path) ?? '';
  const statement = /^(?:import|export)\s+(?:[\w*{][\w\s,{}*$]*?\sfrom\s*)?['"](\.[^'"]+)['"]/gm;
  const expression = /(?:\bimport\(|\bnew URL\(|\bsiblingModule\()\s*['"](\.[^'"]+\.ts)['"]/g;
  const names = [...text.matchAll(statement), ...text.matchAll(expression)].map(([, name]) => name);
  return names.map((name) => {
    const target = posix.join(posix.dirname(path), name);
    // AssemblyScript leaves out the ".ts".
    return sources.has(`${target}.ts`) ? `${target}.ts` : target;
  });
}

function wrongArrows(sources: Sources): string[] {
  return [...sources.keys()].flatMap((from) =>
    importsOf(from, sources).flatMap((to) => {
      if (!MAY_IMPORT[from.split('/')[0]].test(to)) return [`${from} must not import ${to}`];
      return from.startsWith('engine/') ? wrongStep(from, to) : [];
    }),
  );
}

/** Files see the rooms below them and their own; the top floor and the ground floor are one room each. */
function wrongStep(from: string, to: string): string[] {
  const [above, below] = [placeOf(from), placeOf(to)];
  if (above.floor === -1) return [`${from} is in no room of the engine`];
  if (above.floor > below.floor || above.room === below.room) return [];
  return [`${from} must not import ${above.floor === below.floor ? 'sideways' : 'upward'} from ${to}`];
}

function placeOf(path: string): { floor: number; room: string } {
  const [, folder, inFolder] = path.split('/');
  if (GROUND_FILES.includes(path)) return { floor: 0, room: 'ground' };
  const floor = inFolder === undefined ? TOP_FLOOR : FLOORS.findIndex((rooms) => rooms.includes(folder));
  return { floor, room: floor === TOP_FLOOR ? 'top' : folder };
}

/** Each cycle once, as `a → b → a`. Cycles of types alone count: they tie two files into one all the same. */
function importCycles(sources: Sources): string[] {
  const cycles: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    } else if (sources.has(path) && !finished.has(path)) {
      for (const next of importsOf(path, sources)) visit(next, [...trail, path]);
      finished.add(path);
    }
  };
  for (const path of sources.keys()) visit(path, []);
  return cycles;
}

function withoutSpec(sources: Sources, exempt: Readonly<Record<string, string>>): string[] {
  const isExempt = (path: string) =>
    Object.keys(exempt).some((name) => path === name || (name.endsWith('/') && path.startsWith(name)));
  return [...sources.keys()]
    .filter((path) => /^(engine|generator)\//.test(path) && !isExempt(path))
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
  const root = new URL('../../', import.meta.url);
  const paths = Object.keys(MAY_IMPORT).flatMap((part) =>
    readdirSync(new URL(part, root), { recursive: true, encoding: 'utf8' })
      .map((file) => `${part}/${file.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts') && !path.startsWith('engine/kernels/build/')),
  );
  return new Map(paths.sort().map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
}

const sources = readSources();

test('no import runs against the flow of data or up through the floors', (t) => {
  t.deepEqual(wrongArrows(sources), []);
});

test('no files import each other in a circle', (t) => {
  t.deepEqual(importCycles(sources), []);
});

test('every source of engine and generator has a unit spec at the mirrored path', (t) => {
  t.deepEqual(withoutSpec(sources, WITHOUT_SPEC), []);
});

test('whoever is exempt from having a spec exists', (t) => {
  const stale = Object.keys(WITHOUT_SPEC).filter(
    (name) => ![...sources.keys()].some((p) => p.startsWith(name)),
  );
  t.deepEqual(stale, []);
});

test('no file is too long to be read', (t) => {
  t.deepEqual(tooLong(sources), []);
});

/** Sources of which one imports another. */
const pair = (from: string, to: string): Sources =>
  new Map([
    [from, `import { x } from '${posix.relative(posix.dirname(from), to).replace(/^(?!\.)/, './')}';`],
    [to, ''],
  ]);

test('an import against the flow of data is found', (t) => {
  for (const [from, to] of [
    ['engine/engine.ts', 'golden/schema.ts'],
    ['engine/engine.ts', 'generator/cli.ts'],
    ['engine/model/qwen3.ts', 'spec/support/oracle.ts'],
    ['generator/record.ts', 'engine/kernels/scalar.ts'],
    ['generator/record.ts', 'engine/model/qwen3.ts'],
    ['generator/record.ts', 'engine/engine.ts'],
    ['generator/record.ts', 'spec/support/oracle.ts'],
    ['golden/schema.ts', 'engine/config.ts'],
    ['golden/schema.ts', 'generator/record.ts'],
  ]) {
    t.deepEqual(wrongArrows(pair(from, to)), [`${from} must not import ${to}`]);
  }
});

test('an import up or across the floors is found', (t) => {
  for (const [from, to, way] of [
    ['engine/errors.ts', 'engine/text/chat.ts', 'upward'],
    ['engine/text/chat.ts', 'engine/model/qwen3.ts', 'upward'],
    ['engine/serving/sampler.ts', 'engine/engine.ts', 'upward'],
    ['engine/kernels/wasm.ts', 'engine/checkpoint/weights.ts', 'sideways'],
    ['engine/model/qwen3.ts', 'engine/serving/sampler.ts', 'sideways'],
  ]) {
    t.deepEqual(wrongArrows(pair(from, to)), [`${from} must not import ${way} from ${to}`]);
  }
  t.deepEqual(wrongArrows(pair('engine/misc/a.ts', 'engine/errors.ts')), [
    'engine/misc/a.ts is in no room of the engine',
  ]);
});

test('imports along the flow, down the floors and within a room are allowed', (t) => {
  for (const [from, to] of [
    ['engine/config.ts', 'engine/errors.ts'],
    ['engine/model/qwen3.ts', 'engine/model/rope.ts'],
    ['engine/model/qwen3.ts', 'engine/kernels/wasm.ts'],
    ['engine/kernels/assembly/index.ts', 'engine/kernels/assembly/matmul.ts'],
    ['engine/cli/generate.ts', 'engine/engine.ts'],
    ['engine/cli.ts', 'engine/cli/generate.ts'],
    ['generator/record.ts', 'engine/text/tokenizer.ts'],
    ['generator/record.ts', 'golden/schema.ts'],
    ['spec/unit/generator/record.spec.ts', 'generator/record.ts'],
  ]) {
    t.deepEqual(wrongArrows(pair(from, to)), []);
  }
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

test('a file of more than 300 lines is found', (t) => {
  const lines = (count: number) => 'x\n'.repeat(count);
  t.deepEqual(tooLong(new Map([['a.ts', lines(300)]])), []);
  t.deepEqual(tooLong(new Map([['a.ts', lines(301)]])), ['a.ts has 301 lines; at most 300 are easily read']);
});
