import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cpuFeatures, manifestOf } from '../../../../generator/recording/manifest.ts';
import { manifestSchema } from '../../../../golden/schema.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';
import { CONFIG, SAMPLED, WHOLE } from './recordings.ts';

type Model = Parameters<typeof manifestOf>[0];

function model(selection = WHOLE): Model {
  const reference = {} as Model['recorder']['reference'];
  const recorder = { config: CONFIG, reference, selection };
  return {
    name: 'made-up',
    source: 'fixture',
    seed: 's',
    recorder,
    sha256: { 'config.json': 'a'.repeat(64) },
  };
}

test('a manifest has the model, the hashes of its files, and the versions', (t) => {
  const { recordedOn: _, versions: __, ...rest } = manifestOf(model(), 16, ['one', 'two']);
  t.deepEqual(rest, {
    schemaVersion: 1,
    model: 'made-up',
    source: 'fixture',
    seed: 's',
    maxNewTokens: 16,
    sha256: { 'config.json': 'a'.repeat(64) },
    cases: ['one', 'two'],
  });
});

test('a manifest has the stored sample and projections', (t) => {
  const { vocabularySample, projections } = manifestOf(model(SAMPLED), 16, []);
  t.deepEqual({ vocabularySample, projections, maxPositions: 24 }, SAMPLED);
});

test('the manifest of a model without seed has no seed', (t) => {
  const { seed: _, ...foreign } = model();
  t.false('seed' in manifestOf(foreign, 16, []));
});

test("a manifest names the repository of a graph that is not the model's", (t) => {
  t.is(manifestOf({ ...model(), graph: 'org/graph' }, 16, []).graph, 'org/graph');
});

test('the versions are those of the installed packages', (t) => {
  const versionOf = (name: string) =>
    JSON.parse(
      readFileSync(new URL(`../../../../node_modules/${name}/package.json`, import.meta.url), 'utf8'),
    ).version;
  t.deepEqual(manifestOf(model(), 16, []).versions, {
    transformersJs: versionOf('@huggingface/transformers'),
    onnxruntimeNode: versionOf('onnxruntime-node'),
  });
});

test('a manifest matches its schema, and names the machine', (t) => {
  const manifest = manifestOf(model(SAMPLED), 16, ['one']);
  t.deepEqual(manifestSchema.parse(manifest), manifest);
  const { node, platform, cpu } = manifest.recordedOn;
  t.is(node, process.version);
  t.is(platform, `${process.platform}-${process.arch}`);
  t.true(cpu.length > 0);
});

for (const [cpu, text, features] of [
  [
    'x86',
    'processor\t: 0\nflags\t\t: fpu sse4_2 avx512f amx_tile vme avx fma\n',
    ['amx_tile', 'avx', 'avx512f', 'fma', 'sse4_2'],
  ],
  ['ARM', 'processor\t: 0\nFeatures\t: fp asimd sve crc32\n', ['asimd', 'sve']],
  ['an unknown one', 'processor\t: 0\n', []],
] as const) {
  test(`the vector extensions of ${cpu} are found, in alphabetical order`, (t) => {
    const path = join(temporaryFolder(t), 'cpuinfo');
    writeFileSync(path, text);
    t.deepEqual(cpuFeatures(path), [...features]);
  });
}

test('a system without a list of vector extensions has none', (t) => {
  t.deepEqual(cpuFeatures(join(temporaryFolder(t), 'absent')), []);
});
