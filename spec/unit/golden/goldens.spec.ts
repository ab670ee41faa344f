import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError, FileError } from '../../../engine/errors.ts';
import { FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';
import { writeCase, writeManifest } from '../../../generator/recording/store.ts';
import {
  GOLDEN_FOLDER,
  goldenModels,
  readCase,
  readFingerprints,
  readManifest,
  readPrompts,
  readPublished,
  readRealModel,
  readTensors,
  realGoldens,
} from '../../../golden/goldens.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { CONFIG, makeManifest, makeRecording, SAMPLED } from '../generator/recording/recordings.ts';

trackResources(test);

/** A folder of goldens with one model and one case. */
function goldens(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  writeManifest(join(folder, 'made-up'), makeManifest(SAMPLED));
  writeCase(join(folder, 'made-up'), makeRecording({ selection: SAMPLED }), CONFIG);
  return folder;
}

function write(folder: string, file: string, value: unknown): void {
  writeFileSync(join(folder, file), typeof value === 'string' ? value : JSON.stringify(value));
}

test('the project’s goldens are of every fixture', (t) => {
  t.deepEqual(goldenModels().sort(), Object.keys(FIXTURES).sort());
});

test('a model is a folder with a manifest, which distinguishes fixtures from real ones', (t) => {
  const folder = goldens(t);
  mkdirSync(join(folder, 'pytorch'));
  write(folder, 'prompts.json', {});
  writeManifest(join(folder, 'org--name'), { ...makeManifest(), source: 'org/name' });
  t.deepEqual(goldenModels(folder), ['made-up']);
  t.deepEqual(realGoldens(folder), ['org--name']);
});

test('every golden of the project can be read, and is listed in its manifest', (t) => {
  for (const model of goldenModels()) {
    const { cases } = readManifest(model);
    const expected = cases.flatMap((id) => {
      const golden = readCase(model, id);
      if ('refusal' in golden) return [`${id}.json`];
      t.true(readTensors(model, id).logits.length > 0);
      return [`${id}.json`, `${id}.safetensors`];
    });
    const files = readdirSync(join(GOLDEN_FOLDER, model)).filter(
      (file) => !/^(fingerprints|prompts|signatures)\.(json|safetensors)$/.test(file),
    );
    t.deepEqual(files.sort(), [...expected, 'manifest.json'].sort(), model);
    t.true(
      Object.keys(readFingerprints(model)).every((id) => cases.includes(id)),
      model,
    );
  }
});

test('the project’s prompts can be read, and no two have the same name', (t) => {
  const ids = readPrompts().prompts.map(({ id }) => id);
  t.deepEqual(
    ids.filter((id, i) => ids.indexOf(id) !== i),
    [],
  );
});

test('a model that has prompts of its own is recorded from them, every other from the common ones', (t) => {
  const folder = goldens(t);
  const common = { maxNewTokens: 2, prompts: [{ id: 'common', category: 'short', ids: [1] }] };
  const own = { maxNewTokens: 3, prompts: [{ id: 'own', category: 'short', ids: [2] }] };
  write(folder, 'prompts.json', common);
  t.deepEqual(readPrompts(folder, 'made-up') as unknown, common);
  write(folder, 'made-up/prompts.json', own);
  t.deepEqual(readPrompts(folder, 'made-up') as unknown, own);
  t.deepEqual(readPrompts(folder, 'another') as unknown, common);
  t.deepEqual(readPrompts(folder) as unknown, common);
  write(folder, 'made-up/prompts.json', '{');
  t.throws(() => readPrompts(folder, 'made-up'), {
    message: /cannot read .*made-up\/prompts\.json as JSON: /,
  });
});

test('manifest, case and tensors are read as they were written', (t) => {
  const folder = goldens(t);
  const { golden, tensors } = makeRecording({ selection: SAMPLED });
  t.deepEqual(readManifest('made-up', folder), makeManifest(SAMPLED));
  t.deepEqual(readCase('made-up', 'a-case', folder), golden);
  t.deepEqual(readTensors('made-up', 'a-case', folder), tensors);
});

test('a real model is read with its identity and where its graph is, and none that is not listed', (t) => {
  const { identity, graph } = readRealModel('Qwen/Qwen3-0.6B')!;
  t.is(graph, 'onnx-community/Qwen3-0.6B-ONNX');
  t.is(identity.parameters, 596_049_920);
  t.deepEqual(readRealModel('Qwen/Qwen3-0.6B-Base'), { identity });
  t.is(readRealModel('Qwen/Qwen3-8B'), undefined);
  t.is(readRealModel('toString'), undefined);
  const folder = goldens(t);
  t.throws(() => readRealModel('org/name', folder), {
    instanceOf: FileError,
    message: /models\.json \(ENOENT\)/,
  });
  write(folder, 'models.json', { identities: {}, models: { 'org/name': { identity: 'constructor' } } });
  t.throws(() => readRealModel('org/name', folder), {
    instanceOf: FileError,
    message: /models\.json: models\.org\/name\.identity: there is no identity "constructor"$/,
  });
});

test('published figures are read', (t) => {
  const { ids, meanLogits, model, source } = readPublished('qwen3-0.6b-base');
  t.is(ids.length, meanLogits.length);
  t.true(readRealModel(model) !== undefined);
  t.regex(source, /test_modeling_qwen3\.py/);
  t.throws(() => readPublished('nothing'), {
    instanceOf: FileError,
    message: /published\/nothing\.json \(ENOENT\)/,
  });
});

test('fingerprints are read, and there are none if they were never recorded', (t) => {
  const folder = goldens(t);
  t.deepEqual(readFingerprints('made-up', folder), {});
  const fingerprints = { 'a-case': 'f'.repeat(64) };
  write(folder, 'made-up/fingerprints.json', fingerprints);
  t.deepEqual(readFingerprints('made-up', folder), fingerprints);
  write(folder, 'made-up/fingerprints.json', { 'a-case': 'F' });
  t.throws(() => readFingerprints('made-up', folder), { instanceOf: FileError, message: /json: a-case: / });
});

const readers: [file: string, read: (folder: string) => unknown][] = [
  ['prompts.json', (folder) => readPrompts(folder)],
  ['made-up/manifest.json', (folder) => readManifest('made-up', folder)],
  ['made-up/a-case.json', (folder) => readCase('made-up', 'a-case', folder)],
];
for (const [file, read] of readers) {
  test(`${file} that is missing, no JSON, or something else is a FileError with its path`, (t) => {
    const folder = goldens(t);
    rmSync(join(folder, file), { force: true });
    const path = join(folder, file);
    const missing = t.throws(() => read(folder), { instanceOf: FileError });
    t.true(missing.message.startsWith(`cannot read ${path} (ENOENT)`), missing.message);
    write(folder, file, '{"a":');
    t.regex(t.throws(() => read(folder), { instanceOf: FileError }).message, /cannot read .* as JSON: /);
    write(folder, file, '[]');
    const wrong = t.throws(() => read(folder), { instanceOf: FileError });
    t.true(wrong.message.startsWith(`${path}: the whole: `), wrong.message);
  });
}

const { golden } = makeRecording({ selection: SAMPLED });
const wrong: [what: string, file: string, value: unknown, message: RegExp][] = [
  [
    'a negative margin',
    'a-case',
    { ...golden, greedy: { ...golden.greedy, margins: [-1] } },
    /: greedy\.margins\.0: Too small/,
  ],
  [
    'an id that is no whole number',
    'a-case',
    { ...golden, ids: [1.5] },
    /: ids\.0: Invalid input: expected int/,
  ],
  [
    'NaN, which JSON has not',
    'a-case',
    { ...golden, noise: { ...golden.noise, logits: null } },
    /: noise\.logits: .*expected number/,
  ],
  ['an unknown key', 'a-case', { ...golden, extra: 1 }, /: the whole: Unrecognized key: "extra"/],
  [
    'another version',
    'manifest',
    { ...makeManifest(), schemaVersion: 2 },
    /: schemaVersion: Invalid input: expected 1/,
  ],
  ['a short hash', 'manifest', { ...makeManifest(), sha256: { a: 'abc' } }, /: sha256\.a: /],
];
for (const [what, file, value, message] of wrong) {
  test(`a golden with ${what} is refused, and the error says where`, (t) => {
    const folder = goldens(t);
    write(folder, `made-up/${file}.json`, value);
    const read = () =>
      file === 'manifest' ? readManifest('made-up', folder) : readCase('made-up', file, folder);
    t.throws(read, { instanceOf: FileError, message });
  });
}

test('of a prompt that fits no kind, the error is of the kind it is nearest to', (t) => {
  const folder = temporaryFolder(t);
  const prompt = { id: 'x', category: 'short', seededIds: { seed: 's', length: 0 } };
  write(folder, 'prompts.json', { maxNewTokens: 1, prompts: [prompt] });
  t.throws(() => readPrompts(folder), {
    instanceOf: FileError,
    message: /: prompts\.0\.seededIds\.length: Too small/,
  });
});

test('tensors that are missing or torn are a CheckpointError', (t) => {
  const folder = goldens(t);
  const path = join(folder, 'made-up', 'a-case.safetensors');
  truncateSync(path, 100);
  t.throws(() => readTensors('made-up', 'a-case', folder), { instanceOf: CheckpointError });
  rmSync(path);
  t.throws(() => readTensors('made-up', 'a-case', folder), { instanceOf: CheckpointError });
  t.false(existsSync(path));
});

const logits = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
const topIds = { dtype: 'I32', shape: [1], data: new Int32Array(1) };
for (const [what, tensors, message] of [
  ['no logits', { top_ids: topIds }, /tensor "logits" is missing; expected F32: record it again$/],
  ['logits of another dtype', { logits: topIds }, /tensor "logits" is I32; expected F32/],
  ['top ids but no row maxima', { logits, top_ids: topIds }, /tensor "row_max" is missing; expected F32/],
  [
    'hidden states of another dtype',
    { logits, hidden_states: topIds },
    /"hidden_states" is I32; expected F32/,
  ],
  [
    'float64 logits that are not',
    { logits, logits_float64: logits },
    /"logits_float64" is F32; expected F64/,
  ],
] as const) {
  test(`tensors with ${what} are a FileError that names the tensor`, (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'made-up'));
    writeSafetensors(join(folder, 'made-up', 'x.safetensors'), new Map(Object.entries(tensors)));
    t.throws(() => readTensors('made-up', 'x', folder), { instanceOf: FileError, message });
  });
}
