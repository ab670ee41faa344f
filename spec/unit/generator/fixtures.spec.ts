import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import { checkWeights } from '../../../engine/checkpoint/weights.ts';
import { readModelConfig } from '../../../engine/config.ts';
import { FileError } from '../../../engine/errors.ts';
import { ensureFixture, FIXTURES, type FixtureSpec, writeFixture } from '../../../generator/fixtures.ts';
import { hashFiles } from '../../../generator/models.ts';
import { readManifest } from '../../../golden/goldens.ts';
import { closing, temporaryFolder, trackResources } from '../../support/cleanup.ts';

trackResources(test);

/** The quickest to make. */
const NAME = 'outliers';
const WHOLE = ['config.json', 'generation_config.json', 'model.safetensors', 'onnx'];
const GRAPHS = ['model.onnx', 'model.safetensors', 'model_float64.onnx', 'model_tapped.onnx'];

async function isWhole(t: ExecutionContext, modelDir: string): Promise<void> {
  t.deepEqual(readdirSync(modelDir).sort(), WHOLE);
  t.deepEqual(readdirSync(join(modelDir, 'onnx')).sort(), GRAPHS);
  t.deepEqual(await hashFiles(modelDir), readManifest(NAME).sha256);
}

/** A process that has `ensureFixture` and `folder`, runs `code` once a line comes in, and is gone with the test. */
async function waitingProcess(t: ExecutionContext, folder: string, code: string): Promise<ChildProcess> {
  const module = new URL('../../../generator/fixtures.ts', import.meta.url).href;
  const script = `
    import { ensureFixture } from ${JSON.stringify(module)};
    import { createInterface } from 'node:readline';
    const folder = ${JSON.stringify(folder)};
    const lines = createInterface({ input: process.stdin });
    console.log('ready');
    for await (const _ of lines) { ${code} }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function start(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  child.stdin!.end('go\n');
  const [code, signal] = await once(child, 'exit');
  return { code, signal };
}

test('two processes with two callers each, all at once, end with one whole directory', async (t) => {
  const folder = temporaryFolder(t);
  const code = `await Promise.all([ensureFixture('${NAME}', folder), ensureFixture('${NAME}', folder)]);`;
  const children = [await waitingProcess(t, folder, code), await waitingProcess(t, folder, code)];
  const ends = await Promise.all(children.map(start));
  t.deepEqual(ends, Array(2).fill({ code: 0, signal: null }));
  t.is(readdirSync(folder).length, 1);
  await isWhole(t, join(folder, readdirSync(folder)[0]));
});

test('a process that is killed half-way leaves no half under the name, and the next makes it whole', async (t) => {
  const folder = temporaryFolder(t);
  const code = `ensureFixture('${NAME}', folder); process.kill(process.pid, 'SIGKILL');`;
  t.is((await start(await waitingProcess(t, folder, code))).signal, 'SIGKILL');
  const left = readdirSync(folder);
  t.is(left.length, 1);
  t.regex(left[0], /\.tmp$/);
  t.true(existsSync(join(folder, left[0], 'model.safetensors')), 'it was half-way');
  await isWhole(t, await ensureFixture(NAME, folder));
});

test('a process that exits half-way leaves nothing', async (t) => {
  const folder = temporaryFolder(t);
  const code = `ensureFixture('${NAME}', folder);
    if (readdirSync(folder).length !== 1) throw new Error('it was not half-way');
    process.exit(130);`;
  const child = await waitingProcess(t, folder, `const { readdirSync } = await import('node:fs'); ${code}`);
  t.is((await start(child)).code, 130);
  t.deepEqual(readdirSync(folder), []);
});

test('a fixture that is there is not made again', async (t) => {
  const folder = temporaryFolder(t);
  const modelDir = await ensureFixture(NAME, folder);
  writeFileSync(join(modelDir, 'config.json'), '{}');
  t.is(await ensureFixture(NAME, folder), modelDir);
  t.is(readFileSync(join(modelDir, 'config.json'), 'utf8'), '{}');
  t.regex(basename(modelDir), /^outliers-[0-9a-f]{12}$/);
});

for (const name of ['sparse', '', 'toString', '__proto__']) {
  test(`"${name}" is no fixture, and the error lists those that are`, async (t) => {
    const folder = temporaryFolder(t);
    await t.throwsAsync(ensureFixture(name, folder), {
      instanceOf: RangeError,
      message: `there is no fixture "${name}"; there are dense, dense-bf16, moe, moe-nonorm, outliers, qwen3-0.6b-shape`,
    });
    t.deepEqual(readdirSync(folder), []);
  });
}

test('a cache that cannot be written is a FileError that names the variable', async (t) => {
  const file = join(temporaryFolder(t), 'a-file');
  writeFileSync(file, '');
  const error = await t.throwsAsync(ensureFixture(NAME, file), { instanceOf: FileError });
  t.regex(error.message, /a-file\/outliers-.*cannot be written \(ENOTDIR.*PLUMBLINE_CACHE/);
});

test.serial('fixtures are kept where PLUMBLINE_CACHE says', async (t) => {
  const before = process.env.PLUMBLINE_CACHE;
  t.teardown(() => {
    if (before === undefined) delete process.env.PLUMBLINE_CACHE;
    else process.env.PLUMBLINE_CACHE = before;
  });
  const folder = join(temporaryFolder(t), 'not', 'there', 'yet');
  process.env.PLUMBLINE_CACHE = folder;
  t.is(dirname(await ensureFixture(NAME)), folder);
});

test('shards hold all weights between them, and the index says where', async (t) => {
  const folder = temporaryFolder(t);
  await writeFixture(folder, FIXTURES['moe-nonorm']);
  const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => file.endsWith('.safetensors'));
  t.deepEqual(
    files.sort(),
    [1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors`),
  );
  t.deepEqual([...new Set(Object.values(index.weight_map))].sort(), files);
  const checkpoint = closing(t, Checkpoint.open(folder));
  checkWeights(checkpoint, await readModelConfig(folder));
  const bytes = [...checkpoint.tensors.values()].map(({ info }) => info.end - info.begin);
  t.is(
    index.metadata.total_size,
    bytes.reduce((sum, size) => sum + size, 0),
  );
});

test('a fixture with a tokenizer has the real one of Qwen3', async (t) => {
  const folder = temporaryFolder(t);
  await writeFixture(folder, { ...FIXTURES[NAME], tokenizer: true });
  const { 'tokenizer.json': found } = await hashFiles(folder);
  t.is(found, readManifest('dense-bf16').sha256['tokenizer.json']);
  t.regex(found, /^aeb13307a71acd8f/);
  const { chat_template } = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'));
  t.regex(chat_template, /enable_thinking/);
});

/** A large fixture in all but its size. */
const LARGE: FixtureSpec = {
  ...FIXTURES['qwen3-0.6b-shape'],
  config: { ...FIXTURES[NAME].config, torch_dtype: 'bfloat16' },
  tokenizer: false,
};

test('a large fixture has all weights in one file, in bf16, and tells how far it is', async (t) => {
  const folder = temporaryFolder(t);
  const told: [number, number][] = [];
  await writeFixture(folder, LARGE, (done, total) => told.push([done, total]));
  t.deepEqual(readdirSync(folder).sort(), WHOLE);
  t.deepEqual(readdirSync(join(folder, 'onnx')).sort(), GRAPHS);
  const checkpoint = closing(t, Checkpoint.open(folder));
  checkWeights(checkpoint, await readModelConfig(folder));
  t.true([...checkpoint.tensors.values()].every(({ info }) => info.dtype === 'BF16'));
  const [done, total] = told.at(-1)!;
  t.true(done === total && told.length > 1);
});

test('a large fixture that cannot be written is a FileError with the reason, and nothing of it is left', async (t) => {
  const file = join(temporaryFolder(t), 'a-file');
  writeFileSync(file, '');
  const error = await t.throwsAsync(ensureFixture('qwen3-0.6b-shape', file), { instanceOf: FileError });
  t.regex(error.message, /a-file\/qwen3-0\.6b-shape-[0-9a-f]{12}: the fixture cannot be written \(ENOTDIR/);
});
