import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { createProcessIo } from '../../engine/cli/io.ts';
import { run } from '../../engine/cli/program.ts';
import { Engine } from '../../engine/engine.ts';
import type { SamplingOptions } from '../../engine/serving/sampling-params.ts';
import { SignalReceiver } from '../../engine/terminal/interrupt.ts';
import { Tokenizer } from '../../engine/text/tokenizer.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { type Ended, ended, runCli, startCli } from '../support/processes/processes.ts';
import { FakeOutput, jsonFile, linesFile } from '../unit/engine/cli/support.ts';

/** Signals of no process. */
const signals = () => new SignalReceiver(Object.assign(new EventEmitter(), { exit() {} }));

trackResources(test);

/** The ids and texts of Python's transformers and Rust's tokenizers. */
interface Golden {
  texts: { text: string; ids: number[]; decoded: string }[];
  chats: { name: string; messages: unknown[]; options: { tools?: unknown[] }; ids: number[] }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/tokenizer/expected.json', import.meta.url), 'utf8'),
);
const MAX_TOKENS = 12;
const LIMIT = ['--max-tokens', String(MAX_TOKENS)];
let model: string;
let tokenizer: Tokenizer;
let engine: Engine;

test.before('the model is made once and loaded once', async () => {
  model = await ensureFixture('dense-bf16');
  tokenizer = await Tokenizer.load(model);
  engine = await Engine.load(model, { cacheTokens: 512, tokenizer, prefixCaching: false });
});
test.after.always('the engine is closed', () => engine?.close());

/** The result of a single request to the engine's API, without its timing, which differs between runs. */
async function viaApi(ids: readonly number[], options: SamplingOptions = {}) {
  const results = [];
  for await (const event of engine.generate([{ ids, maxNewTokens: MAX_TOKENS, ...options }])) {
    if (event.type === 'error') throw event.error;
    if (event.type === 'token') continue;
    const { timing: _, ...result } = event.result;
    // As in JSON: without keys whose values were not requested.
    results.push({ sample: event.sample, ...JSON.parse(JSON.stringify(result)) });
  }
  return results.sort((a, b) => a.sample - b.sample);
}

/** The command in this process, which has the tokenizer already: another one would read it for a second. */
async function runHere(...argv: string[]): Promise<Ended> {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const exitCode = await run(argv, { ...createProcessIo(signals()), stdout, stderr });
  return { exitCode, out: stdout.text, err: stderr.text };
}

/** The lines of `plumbline generate --json`, without their timing. @param runs where the command runs. */
async function viaCommand(t: ExecutionContext, argv: readonly string[], runs = runHere) {
  const { exitCode, out, err } = await runs('generate', '--model', model, ...argv, ...LIMIT, '--json');
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  return out
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { timing, ...rest } = JSON.parse(line);
      t.true(timing.prefillMs > 0 && timing.decodeMs > 0, line);
      return rest;
    });
}

test.serial('a text has the same continuation as its ids in the API, as text and as JSON', async (t) => {
  const prompt = 'Grüße, 世界! 👩🏽\u200d🚀 The capital of France is';
  const [expected] = await viaApi(tokenizer.encode(prompt));
  t.is(expected.tokens.length, MAX_TOKENS);
  t.true(new Set(expected.tokens).size > 1);
  t.deepEqual(await runHere('generate', '--model', model, '--prompt', prompt, ...LIMIT), {
    exitCode: 0,
    out: `${expected.text}\n`,
    err: '',
  });
  t.deepEqual(await viaCommand(t, ['--prompt', prompt]), [{ index: 0, ...expected }]);
});

// The fingerprint is a hash of the logits, so equal ones mean that the prompt had Python's ids.
for (const [name, ...options] of [
  ['multi-turn with past thinking'],
  ['no thinking', '--no-thinking'],
  ['tools'],
]) {
  test.serial(`the conversation "${name}" has the same answer as Python's ids of it`, async (t) => {
    const chat = golden.chats.find((chat) => chat.name === name)!;
    const { messages, options: template } = chat;
    const file = jsonFile(t, template.tools ? { messages, tools: template.tools } : messages);
    const [expected] = await viaApi(chat.ids);
    t.deepEqual(await viaCommand(t, ['--chat', file, ...options]), [{ index: 0, ...expected }]);
  });
}

test.serial(
  'several prompts of ids are answered in order, each as if it were alone, with their text',
  async (t) => {
    const prompts = [tokenizer.encode('Name a river.'), [151935, 0, 785], tokenizer.encode('今天天气')];
    const expected = [];
    for (const [index, ids] of prompts.entries()) expected.push({ index, ...(await viaApi(ids))[0] });
    t.deepEqual(await viaCommand(t, ['--ids', jsonFile(t, prompts)]), expected);
  },
);

test.serial(
  'a file of requests, computed together in a small cache, has the bits of each request alone',
  async (t) => {
    const drawn = { temperature: 0.9, topK: 50, n: 3, seed: 7 };
    const stopping = { stop: [(await viaApi(tokenizer.encode('Name a river.')))[0].text!.slice(3, 6)] };
    const shared = tokenizer.encode('Grüße, 世界! The capital of France is the city that one names first');
    const requests: [ids: number[], options: SamplingOptions][] = [
      [shared, { logprobs: 2, promptLogprobs: 1 }],
      [tokenizer.encode('Name a river.'), stopping],
      [shared, drawn],
      [[151935, 0, 785], { repetitionPenalty: 1.3, logitBias: { 5: -100 } }],
      [shared, {}],
    ];
    const file = linesFile(t, ...requests.map(([ids, options]) => ({ ids, ...options })));
    const settings = [
      '--max-batch',
      '3',
      '--block-size',
      '4',
      '--prefill-chunk',
      '5',
      '--cache-blocks',
      '16',
    ];
    const lines = await viaCommand(t, ['--requests', file, ...settings], runCli);
    const expected = [];
    for (const [index, [ids, options]] of requests.entries()) {
      for (const result of await viaApi(ids, options)) expected.push({ index, ...result });
    }
    const withoutCached = (line: object) => ({ ...line, cachedTokens: undefined });
    t.deepEqual(lines.map(withoutCached), expected.map(withoutCached));
    t.is(lines.length, 7);
    t.is(lines[1].finishReason, 'stop');
    t.true(lines.at(-1).cachedTokens > 0);
    const [cold] = (await viaCommand(t, ['--requests', file, '--no-prefix-cache'])).slice(-1);
    t.deepEqual(cold, expected.at(-1));
  },
);

test.serial(
  'text is printed while it is generated, and Ctrl-C ends it in order with exit code 130',
  async (t) => {
    const child = startCli([
      'generate',
      '--model',
      model,
      '--prompt',
      'a',
      '--max-tokens',
      '4000',
      '--ignore-eos',
    ]);
    let out = '';
    child.stdout!.setEncoding('utf8').on('data', (piece) => {
      if (out === '') child.kill('SIGINT');
      out += piece;
    });
    const { exitCode, err } = await ended(child, false);
    t.deepEqual({ exitCode, err }, { exitCode: 130, err: '' });
    t.true(out.endsWith('\n'));
    // Far fewer than 4,000: tokens were printed before the continuation was complete.
    const [expected] = await viaApi(tokenizer.encode('a'));
    t.true(out.startsWith(expected.text) || expected.text.startsWith(out.slice(0, -1)), out);
    t.true(out.length < 4000, `${out.length} characters`);
  },
);

test.serial('texts have the ids of Rust, their tokens, and the decoded text of Python', async (t) => {
  const file = jsonFile(
    t,
    golden.texts.map(({ text }) => text),
  );
  const { exitCode, out, err } = await runCli('tokenize', '--model', model, '--file', file, '--json');
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.deepEqual(
    JSON.parse(out),
    golden.texts.map(({ ids, decoded }) => ({ ids, tokens: tokenizer.tokens(ids), decoded })),
  );
});
