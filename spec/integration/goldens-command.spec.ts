import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ensureFixtureGraphs } from '../../generator/recording/graphs.ts';
import type { ModelSummary } from '../../generator/review/summary.ts';
import { GOLDEN_FOLDER, readCase, readManifest, readTensors } from '../../golden/goldens.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { ended } from '../support/processes/processes.ts';
import { runGoldens, runGoldensHere, startGoldens } from '../unit/generator/command.ts';
import { makeForeign } from '../unit/generator/recording/foreign-graph.ts';

trackResources(test);

/** The quickest case of the quickest model. */
const ONE = ['--model', 'dense', '--only', 'ids-one'];
const TENSORS = 'dense/ids-one.safetensors';

test.before('the fixture is made once', async () => {
  await ensureFixtureGraphs('dense');
});

/** A copy of the goldens that a test may change. */
function goldens(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  for (const part of ['prompts.json', 'dense']) {
    cpSync(join(GOLDEN_FOLDER, part), join(folder, part), { recursive: true });
  }
  return folder;
}

/** Adds to the first stored logit of the case. The first tensors of the file are the widest, in float64. */
function tamper(folder: string, by: number): void {
  const path = join(folder, TENSORS);
  const bytes = readFileSync(path);
  const dataBegin = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, dataBegin));
  const offset = dataBegin + header.logits.data_offsets[0];
  bytes.writeFloatLE(bytes.readFloatLE(offset) + by, offset);
  writeFileSync(path, bytes);
}

/** SHA-256 of every file, hidden ones too. */
function hashes(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), hash(path)]));
}

test('a run without changes leaves every byte, and says so on standard output alone', async (t) => {
  const folder = goldens(t);
  const before = hashes(folder);
  const { exitCode, out, err } = await runGoldensHere([...ONE, '--folder', folder]);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.regex(
    out,
    /^dense: 1 unchanged \(largest difference \d\.\de[+-]\d+\), 0 changed, new or removed\n\nRecorded 1 case of dense: /,
  );
  t.regex(out, /Nothing is pending, and there is nothing to accept\.\n$/);
  t.deepEqual(hashes(folder), before);
});

test('an edited golden is reported and pending; it is overwritten only when accepted', async (t) => {
  const folder = goldens(t);
  const golden = readTensors('dense', 'ids-one', folder).logits;
  tamper(folder, 0.5);
  const before = hashes(folder);
  const { exitCode, out, err } = await runGoldens(t, [...ONE, '--folder', folder]);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.regex(out, /^ {2}changed {2}ids-one: 1 of 6528 logits differ beyond the noise$/m);
  t.regex(out, /^ +logits: largest difference 5\.00e-1, RMS /m);
  t.regex(out, /Changed goldens are pending\. To accept them: npm run goldens:regen -- --accept\n$/);
  const { '.pending/removed.json': _, ...after } = hashes(folder);
  const pending = Object.keys(after).filter((path) => path.startsWith('.pending'));
  t.deepEqual(
    pending,
    ['ids-one.json', 'ids-one.safetensors', 'manifest.json'].map((f) => `.pending/dense/${f}`),
  );
  for (const path of pending) delete after[path];
  t.deepEqual(after, before);

  const accepted = await runGoldens(t, ['--accept', '--folder', folder]);
  t.deepEqual(accepted, { exitCode: 0, out: 'accepted 3 files\n', err: '' });
  t.deepEqual(Object.keys(hashes(folder)), Object.keys(before));
  // Another CPU records other numbers within its noise.
  const repaired = readTensors('dense', 'ids-one', folder).logits;
  t.true(repaired.every((value, i) => Math.abs(value - golden[i]) < 1e-3));
});

test('a golden edited within the noise is unchanged and stays', async (t) => {
  const folder = goldens(t);
  tamper(folder, 1e-5);
  const before = hashes(folder);
  const { exitCode, out } = await runGoldensHere([...ONE, '--folder', folder]);
  t.is(exitCode, 0);
  t.regex(out, /^dense: 1 unchanged \(largest difference (1\.0e-5|\d\.\de-[0-6])\)/);
  t.deepEqual(hashes(folder), before);
});

const checks: [what: string, args: string[], env: NodeJS.ProcessEnv][] = [
  ['--check', ['--check'], {}],
  ['a run in CI', [], { CI: 'true' }],
];
for (const [what, args, env] of checks) {
  test(`${what} writes nothing and exits with 1 on a difference`, async (t) => {
    const folder = goldens(t);
    tamper(folder, 0.5);
    const before = hashes(folder);
    const { exitCode, out, err } = await runGoldensHere([...ONE, ...args, '--folder', folder], env);
    t.deepEqual({ exitCode, err }, { exitCode: 1, err: '' });
    t.regex(
      out,
      /changed {2}ids-one: .*\n.*\n\nThe goldens differ from what the reference computes now\.\n$/,
    );
    t.deepEqual(hashes(folder), before);
  });
}

test('--check exits with 0 where nothing differs, and --json is JSON', async (t) => {
  const folder = goldens(t);
  const before = hashes(folder);
  const { exitCode, out, err } = await runGoldensHere([...ONE, '--check', '--json', '--folder', folder]);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  const { models, pending } = JSON.parse(out) as { models: ModelSummary[]; pending: boolean };
  t.false(pending);
  t.deepEqual(
    models.map(({ model, manifest, cases }) => [model, manifest, cases.map(({ id, kind }) => [id, kind])]),
    [['dense', [], [['ids-one', 'unchanged']]]],
  );
  t.deepEqual(hashes(folder), before);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} while recording ends with ${code} and leaves only the old goldens`, async (t) => {
    const folder = goldens(t);
    // Without a manifest everything is new, so the folder of pending goldens appears early.
    rmSync(join(folder, 'dense', 'manifest.json'));
    const before = hashes(folder);
    const child = startGoldens(t, ['--model', 'dense', '--folder', folder]);
    const end = ended(child);
    const isHalfWay = () => readdirSync(folder).some((name) => /^\.pending\..*\.tmp$/.test(name));
    while (!isHalfWay() && child.exitCode === null) await sleep(5);
    t.true(isHalfWay());
    child.kill(signal);
    t.deepEqual(await end, {
      exitCode: code,
      out: '',
      err: `plumbline-goldens: interrupted by ${signal}; no golden was changed\n`,
    });
    t.deepEqual(hashes(folder), before);
    t.deepEqual(readdirSync(folder).sort(), ['dense', 'prompts.json']);
  });
}

/** A model directory in transformers.js's layout: config.json and onnx/, with or without the weights. */
async function transformersJsDirectory(
  t: ExecutionContext,
  { weights }: { weights: boolean },
): Promise<string> {
  const modelDir = join(temporaryFolder(t), 'foreign');
  cpSync(await ensureFixtureGraphs('dense'), modelDir, { recursive: true });
  for (const graph of ['model_tapped.onnx', 'model_float64.onnx']) rmSync(join(modelDir, 'onnx', graph));
  makeForeign(join(modelDir, 'onnx', 'model.onnx'));
  if (!weights) rmSync(join(modelDir, 'model.safetensors'));
  return modelDir;
}

for (const weights of [false, true]) {
  const what = weights ? 'with weights beside it' : 'alone';
  test(`a transformers.js model directory, its graph ${what}, is recorded in place of our own graph`, async (t) => {
    const folder = goldens(t);
    const modelDir = await transformersJsDirectory(t, { weights });
    const before = hashes(modelDir);
    const args = ['--model', modelDir, '--only', 'ids-short', '--folder', folder];
    const { exitCode, out, err } = await runGoldensHere(args);
    t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
    t.regex(out, /^foreign: 0 unchanged, 1 changed, new or removed\n {2}new {6}ids-short: /);
    t.deepEqual(hashes(modelDir), before, 'nothing is written into the directory');
    t.is((await runGoldensHere(['--accept', '--folder', folder])).exitCode, 0);

    const manifest = readManifest('foreign', folder);
    t.is(manifest.source, modelDir);
    t.deepEqual(manifest.cases, ['ids-short']);
    t.true('onnx/model.onnx_data' in manifest.sha256);
    // The same model as the fixture, so only the CPU may make a difference.
    const [foreign, fixture] = ['foreign', 'dense'].map((model) => readTensors(model, 'ids-short', folder));
    t.true(foreign.logits.every((value, i) => Math.abs(value - fixture.logits[i]) < 1e-3));
    t.deepEqual(readCase('foreign', 'ids-short', folder).ids, readCase('dense', 'ids-short', folder).ids);
    t.is(foreign.logitsFloat64?.length, weights ? fixture.logitsFloat64!.length : undefined);
    t.is(foreign.hiddenStates?.length, weights ? fixture.hiddenStates!.length : undefined);
  });
}

const badModels: [what: string, edit: (modelDir: string) => void, message: RegExp][] = [
  ['is not there', (dir) => rmSync(dir, { recursive: true }), /foreign: there is no such directory/],
  ['has no configuration', (dir) => rmSync(join(dir, 'config.json')), /foreign\/config\.json/],
  [
    'has nothing but a configuration',
    (dir) => rmSync(join(dir, 'onnx'), { recursive: true }),
    /nothing to record$/,
  ],
  ['has a torn graph', (dir) => writeFileSync(join(dir, 'onnx', 'model.onnx'), 'torn'), /cannot load it: /],
  [
    'has a graph of another vocabulary than its configuration',
    (dir) => {
      const config = readFileSync(join(dir, 'config.json'), 'utf8');
      writeFileSync(join(dir, 'config.json'), config.replace('"vocab_size": 384', '"vocab_size": 385'));
    },
    /the reference returned 384 logits a row; config\.json says vocab_size 385$/,
  ],
];
for (const [what, edit, message] of badModels) {
  test(`a model directory that ${what} is one clear line, exit code 1, and nothing is written`, async (t) => {
    const folder = goldens(t);
    const before = hashes(folder);
    const modelDir = await transformersJsDirectory(t, { weights: false });
    edit(modelDir);
    const args = ['--model', modelDir, '--only', 'ids-one', '--folder', folder];
    const { exitCode, out, err } = await runGoldensHere(args);
    t.deepEqual({ exitCode, out }, { exitCode: 1, out: '' });
    t.regex(err.trimEnd(), message);
    t.regex(err, /^plumbline-goldens: [^\n]+\n$/);
    t.true(err.includes(basename(modelDir)) || err.includes('config.json'));
    t.deepEqual(hashes(folder), before);
  });
}
