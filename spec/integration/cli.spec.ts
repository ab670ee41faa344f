import { EventEmitter } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { createProcessIo } from '../../engine/cli/io.ts';
import { run } from '../../engine/cli/program.ts';
import { Engine } from '../../engine/engine.ts';
import { SignalReceiver } from '../../engine/terminal/interrupt.ts';
import { ensureFixtureGraphs } from '../../generator/recording/graphs.ts';
import { QWEN3_TOKENIZER_DIR } from '../support/models/tokenizer.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH, ended, runCli, startCli, startNode } from '../support/processes/processes.ts';
import { FakeOutput, jsonFile } from '../unit/engine/cli/support.ts';

/** Signals of no process. */
const signals = () => new SignalReceiver(Object.assign(new EventEmitter(), { exit() {} }));

trackResources(test);

/** Checkpoints without tokenizer files, as the reference is given them. */
let dense: string;
let moe: string;

test.before('the models are made once', async () => {
  dense = await ensureFixtureGraphs('dense');
  moe = await ensureFixtureGraphs('moe');
});

/** Runs the command in this process. */
async function runHere(...argv: string[]) {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const exitCode = await run(argv, { ...createProcessIo(signals()), stdout, stderr });
  return { exitCode, out: stdout.text, err: stderr.text };
}

function floats(file: SafetensorsFile, name: string): Float32Array {
  return new Float32Array(file.read(name).buffer);
}

test('logits and hidden states in the file are those of the API, to the bit', async (t) => {
  const prompts = [[1, 2, 3, 383, 0], [7], Array.from({ length: 150 }, (_, i) => (i * 37) % 384)];
  const out = join(temporaryFolder(t), 'out.safetensors');
  const argv = ['logits', '--model', dense, '--ids', jsonFile(t, prompts), '--out', out];
  t.deepEqual(await runCli(...argv, '--hidden'), { exitCode: 0, out: '', err: '' });
  const file = closing(t, SafetensorsFile.open(out));
  t.deepEqual([...file.tensors.keys()].sort(), ['0', '0.hidden', '1', '1.hidden', '2', '2.hidden']);
  const engine = closing(t, await Engine.load(dense, { cacheTokens: 200, prefillChunk: 16 }));
  for (const [index, ids] of prompts.entries()) {
    const { logits, hidden } = engine.forward(ids, { hidden: true });
    t.deepEqual(floats(file, `${index}`), logits);
    t.deepEqual(floats(file, `${index}.hidden`), hidden);
    t.deepEqual(file.tensors.get(`${index}`)?.shape, [ids.length, 384]);
    t.deepEqual(file.tensors.get(`${index}.hidden`)?.shape, [5, ids.length, 64]);
  }
  const bytes = readFileSync(out);
  t.deepEqual(await runHere(...argv, '--hidden'), { exitCode: 0, out: '', err: '' });
  t.true(readFileSync(out).equals(bytes));
});

test('a mixture of experts without tokenizer files continues ids: numbers as text, null in JSON', async (t) => {
  const argv = ['generate', '--model', moe, '--ids', jsonFile(t, [[5, 6, 7]]), '--max-tokens', '6'];
  const json = await runHere(...argv, '--json', '--ignore-eos');
  const line = JSON.parse(json.out);
  t.like(line, { index: 0, promptTokens: 3, text: null, finishReason: 'length' });
  t.is(line.tokens.length, 6);
  t.regex(line.fingerprint, /^[0-9a-f]{64}$/);
  t.deepEqual(await runHere(...argv, '--ignore-eos'), {
    exitCode: 0,
    out: `${line.tokens.join(' ')}\n`,
    err: '',
  });
});

test('an end-of-sequence token ends the continuation, unless --ignore-eos is given', async (t) => {
  const argv = ['--ids', jsonFile(t, [[5, 6, 7]]), '--max-tokens', '6', '--json'];
  const free = JSON.parse((await runHere('generate', '--model', dense, ...argv, '--ignore-eos')).out);
  // The same weights, with their second generated token as end of sequence.
  const stopping = temporaryFolder(t);
  const config = JSON.parse(readFileSync(join(dense, 'config.json'), 'utf8'));
  writeFileSync(join(stopping, 'config.json'), JSON.stringify({ ...config, eos_token_id: free.tokens[1] }));
  copyFileSync(join(dense, 'model.safetensors'), join(stopping, 'model.safetensors'));
  const stopped = JSON.parse((await runHere('generate', '--model', stopping, ...argv)).out);
  const isRepeated = free.tokens[0] === free.tokens[1];
  t.deepEqual(stopped.tokens, free.tokens.slice(0, isRepeated ? 1 : 2));
  t.is(stopped.finishReason, 'stop');
});

test('tokenize needs neither weights nor configuration', async (t) => {
  const { exitCode, out } = await runHere(
    'tokenize',
    '--model',
    QWEN3_TOKENIZER_DIR,
    '--text',
    'Hello',
    '--json',
  );
  t.is(exitCode, 0);
  t.deepEqual(JSON.parse(out), [{ ids: [9707], tokens: ['Hello'], decoded: 'Hello' }]);
});

test('an error of a real process is one line with exit code 1, and leaves no file', async (t) => {
  const folder = temporaryFolder(t);
  const ids = jsonFile(t, [
    [1, 2],
    [3, 384],
  ]);
  const logits = await runCli(
    'logits',
    '--model',
    dense,
    '--ids',
    ids,
    '--out',
    join(folder, 'out.safetensors'),
  );
  t.deepEqual(logits, {
    exitCode: 1,
    out: '',
    err: "plumbline: prompt 1: the prompt's id at position 1 is 384; expected a whole number from 0 to 383\n",
  });
  t.deepEqual(readdirSync(folder), []);
});

test('every kind of bad input is one line with exit code 1', async (t) => {
  const ids = jsonFile(t, [[1]]);
  const truncated = temporaryFolder(t);
  copyFileSync(join(dense, 'config.json'), join(truncated, 'config.json'));
  copyFileSync(join(dense, 'model.safetensors'), join(truncated, 'model.safetensors'));
  truncateSync(join(truncated, 'model.safetensors'), 700_000);
  const other = temporaryFolder(t);
  writeFileSync(join(other, 'config.json'), '{"model_type": "llama"}');
  const limit = ['--max-tokens', '4'];
  for (const [argv, complaint] of [
    [['generate', '--model', dense, '--prompt', 'a', ...limit], /cannot find .*tokenizer\.json; /],
    [
      ['generate', '--model', dense, '--ids', ids, '--max-tokens', '4096'],
      /prompt 0: .*4097 positions.*has 4096/,
    ],
    [['generate', '--model', dense, '--ids', 'none.json', ...limit], /cannot find none\.json \(/],
    [
      ['generate', '--model', truncated, '--ids', ids, ...limit],
      /model\.safetensors: not a valid .*truncated/,
    ],
    [['info', '--model', truncated], /truncated/],
    [['info', '--model', other], /config\.json: /],
    [['info', '--model', './nowhere'], /\.\/nowhere: there is no such directory/],
    [['info', '--model', 'nobody/nothing'], /nobody\/nothing: .*OFFLINE/],
  ] as const) {
    const { exitCode, out, err } = await runHere(...argv);
    t.is(exitCode, 1, err);
    t.is(out, '');
    t.regex(err, complaint);
    t.regex(err, /^plumbline: .*\n$/);
  }
});

test('a closed pipe ends a generation without an error', async (t) => {
  const ids = jsonFile(t, [[1]]);
  const child = startCli([
    'generate',
    '--model',
    dense,
    '--ids',
    ids,
    '--max-tokens',
    '4000',
    '--ignore-eos',
  ]);
  child.stdout!.once('data', () => child.stdout!.destroy());
  const { exitCode, err } = await ended(child, false);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
});

test('compiled code is cached for the next start; without a writable cache the command works as well', async (t) => {
  const help = (cache: string, file = CLI_PATH) =>
    ended(startNode(file, ['--help'], { env: { PLUMBLINE_CACHE: cache, NODE_COMPILE_CACHE: undefined } }));
  for (const file of [CLI_PATH, 'generator/cli.ts', 'verify/cli.ts']) {
    const folder = temporaryFolder(t);
    t.is((await help(folder, file)).exitCode, 0);
    t.true(readdirSync(join(folder, 'compiled'), { recursive: true }).length > 10, file);
  }
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  t.like(await help(file), { exitCode: 0, err: '' });
});
