import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ConfigError, FileError } from '../../../../engine/errors.ts';
import { type ExportOptions, exportModel } from '../../../../generator/export/export-model.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { GOLDEN_FOLDER } from '../../../../golden/goldens.ts';
import type { Prompts } from '../../../../golden/schema.ts';
import { promptCases } from '../../../../verify/cases/prompt-cases.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

async function exportFixture(
  t: ExecutionContext,
  name: string,
  changes: Partial<ExportOptions> = {},
): ReturnType<typeof exportModel> {
  const modelDir = await ensureFixture(name);
  const out = join(temporaryFolder(t), 'out');
  return await exportModel({
    model: name,
    name,
    modelDir,
    folder: GOLDEN_FOLDER,
    out,
    format: 'hf',
    promptCases,
    ...changes,
  });
}

test("a model in HuggingFace's layout, the cases and a README are written", async (t) => {
  const { out, model, cases } = await exportFixture(t, 'dense');
  t.is(model, 'model');
  t.deepEqual(readdirSync(out).sort(), ['README.md', 'cases.json', 'model']);
  t.true(existsSync(join(out, 'model', 'model.safetensors')));
  const asked = JSON.parse(readFileSync(join(out, 'cases.json'), 'utf8'));
  t.like(asked, { format: 1, model: 'dense' });
  t.is(asked.cases.length, cases);
  t.regex(readFileSync(join(out, 'README.md'), 'utf8'), /Load the model in `model`/);
});

test('a GGUF file is named after the model and its type, and the README names it', async (t) => {
  const { out, model } = await exportFixture(t, 'dense', { format: 'gguf', type: 'q8_0' });
  t.is(model, 'model/dense-q8_0.gguf');
  t.deepEqual(readdirSync(join(out, 'model')), ['dense-q8_0.gguf']);
  t.regex(readFileSync(join(out, 'README.md'), 'utf8'), /`model\/dense-q8_0\.gguf`/);
  const { model: stored } = await exportFixture(t, 'dense', { format: 'gguf' });
  t.is(stored, 'model/dense.gguf');
});

test('an empty folder is filled; one with files and a file are refused and stay as they are', async (t) => {
  const out = join(temporaryFolder(t), 'out');
  mkdirSync(out);
  await exportFixture(t, 'dense', { out });
  rmSync(join(out, 'model'), { recursive: true });
  await t.throwsAsync(exportFixture(t, 'dense', { out }), {
    instanceOf: FileError,
    message: `${out} is not empty: it has README.md; give --out a new or empty folder`,
  });
  t.deepEqual(readdirSync(out).sort(), ['README.md', 'cases.json']);
  await t.throwsAsync(exportFixture(t, 'dense', { out: join(out, 'cases.json') }), {
    instanceOf: FileError,
    message: /cases\.json is a file; give --out a new or empty folder$/,
  });
});

test("a directory with the user's prompts is exported with what the judge asks, and no expectations", async (t) => {
  const modelDir = await ensureFixture('dense');
  const prompts: Prompts = {
    maxNewTokens: 3,
    prompts: [{ id: 'mine', category: 'short', ids: [3, 1, 2] }],
  };
  const { out } = await exportFixture(t, 'dense', { model: modelDir, prompts, promptsFile: 'my.json' });
  const [{ greedy, positions }] = await promptCases(modelDir, prompts);
  const { cases } = JSON.parse(readFileSync(join(out, 'cases.json'), 'utf8'));
  const forward = { ids: [3, 1, 2, ...greedy], positions };
  t.deepEqual(cases, [{ id: 'mine', forward, generate: { ids: [3, 1, 2], maxNewTokens: 3 } }]);
  const readme = readFileSync(join(out, 'README.md'), 'utf8');
  t.true(readme.includes(`plumbline-verify --model ${modelDir} --prompts my.json --dump <this folder>`));
});

// What runs when the process exits is called here in place of a signal, whose handler exits.
test.serial('an export that is interrupted leaves nothing half-written behind', async (t) => {
  const parent = temporaryFolder(t);
  const before = process.listeners('exit');
  const left: string[][] = [];
  const error = await t.throwsAsync(
    exportFixture(t, 'dense', {
      out: join(parent, 'out'),
      onProgress() {
        left.push(readdirSync(parent));
        for (const exit of process.listeners('exit')) if (!before.includes(exit)) exit(130);
        left.push(readdirSync(parent));
        throw new Error('exited');
      },
    }),
  );
  t.is(error.message, 'exited');
  t.is(left[0].length, 1);
  t.deepEqual(left[1], []);
});

test('a model that cannot be exported leaves nothing behind', async (t) => {
  const parent = temporaryFolder(t);
  const options = { format: 'gguf', out: join(parent, 'out') } as const;
  await t.throwsAsync(exportFixture(t, 'moe-nonorm', options), { instanceOf: ConfigError });
  t.deepEqual(readdirSync(parent), []);
});

test('a folder that cannot be written is named', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  await t.throwsAsync(exportFixture(t, 'dense', { out: join(file, 'out') }), {
    instanceOf: FileError,
    message: /^cannot write .*\/file\/out \(ENOTDIR\)/,
  });
});
