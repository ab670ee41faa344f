import { mock } from 'node:test';
import test, { type ExecutionContext } from 'ava';
import { type GenerateOptions, generate } from '../../../../engine/cli/generate.ts';
import { Interrupted, PromptError, TokenizerError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir } from '../text/tiny.ts';
import {
  everyCountIsDrawn,
  FakeTerminal,
  fakeIo,
  jsonFile,
  linesFile,
  TEXT_MODEL,
  TINY_CONFIG,
} from './support.ts';

trackResources(test);

const REPLY = [ID.hel, 0x6c, 0x6f, ID.end, 0x21];

test('a continuation is printed as it is generated, with a newline at its end', async (t) => {
  const io = fakeIo(REPLY);
  const seen: string[] = [];
  io.engine.onToken = () => seen.push(io.stdout.text);
  await generate({ model: modelDir(t, TEXT_MODEL), prompt: 'abc', maxTokens: 10 }, io);
  t.is(io.stdout.text, 'hello\n');
  t.deepEqual(seen, ['', 'hel', 'hell', 'hello']);
  t.is(io.stderr.text, '');
  t.true(io.engine.closed);
});

test('the engine gets the ids, the limit, the options, a tokenizer, and a cache of the right size', async (t) => {
  const io = fakeIo(REPLY);
  const model = modelDir(t, TEXT_MODEL);
  await generate({ model, prompt: 'abc', maxTokens: 2, topK: 3, maxBatch: 5, prefixCache: false }, io);
  t.like(io.engine.loadedWith, { cacheTokens: 16, maxBatch: 5, prefixCaching: false });
  t.truthy(io.engine.loadedWith?.tokenizer);
  t.like(io.engine.requests[0], { ids: [0x61, 0x62, 0x63], maxNewTokens: 2, topK: 3 });
  t.is(io.stdout.text, 'hell\n');
});

test('the cache has room for prompt and continuation of each sample', async (t) => {
  const io = fakeIo(REPLY);
  const options = { model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1, 2, 3], [4]]), blockSize: 2 };
  await generate({ ...options, maxTokens: 5, temperature: 1, samples: 3 }, io);
  // 8 and 6 positions, three times.
  t.is(io.engine.loadedWith?.cacheTokens, 3 * 8 + 3 * 6);
});

test('what computes is as the flags say', async (t) => {
  const io = fakeIo(REPLY);
  const parallel = { threads: 3, revectorize: false, tp: 2, ep: 2, backend: 'fork' } as const;
  await generate({ model: modelDir(t, TEXT_MODEL), prompt: 'a', maxTokens: 1, ...parallel }, io);
  t.like(io.engine.loadedWith, parallel);
});

test('--ignore-eos continues after the end of sequence', async (t) => {
  const io = fakeIo(REPLY);
  await generate({ model: modelDir(t, TEXT_MODEL), prompt: 'abc', maxTokens: 5, ignoreEos: true }, io);
  t.is(io.stdout.text, 'hello<|end|>!\n');
});

test('--json prints a line for each prompt, with keys in documented order', async (t) => {
  const io = fakeIo(REPLY);
  const ids = jsonFile(t, [[1, 2], [3]]);
  await generate({ model: modelDir(t, TEXT_MODEL), ids, maxTokens: 10, json: true }, io);
  const end = `"fingerprint":"${'f'.repeat(64)}","timing":{"prefillMs":1,"decodeMs":2}}\n`;
  const reply = `"cachedTokens":0,"tokens":[257,108,111,300],"text":"hello","finishReason":"stop",${end}`;
  t.is(
    io.stdout.text,
    `{"index":0,"sample":0,"promptTokens":2,${reply}{"index":1,"sample":0,"promptTokens":1,${reply}`,
  );
});

test('with --json, samples have lines and log-probabilities have keys', async (t) => {
  const io = fakeIo(REPLY);
  const options = { model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1, 2], [3]]), maxTokens: 1 };
  const sampling = { temperature: 1, samples: 2, logprobs: 0, promptLogprobs: 0, json: true };
  await generate({ ...options, ...sampling }, io);
  const lines = io.stdout.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    lines.map(({ index, sample, text }) => [index, sample, text]),
    [
      [0, 0, 'hel'],
      [0, 1, 'l'],
      [1, 0, 'hel'],
      [1, 1, 'l'],
    ],
  );
  const [{ logprobs, promptLogprobs }] = lines;
  t.deepEqual(logprobs, [{ token: ID.hel, logprob: -1, top: [] }]);
  t.deepEqual(promptLogprobs, [{ token: 2, logprob: -2, top: [], rank: 1 }]);
});

test('requests that finish out of order are printed in order, each with its own options', async (t) => {
  const io = fakeIo(REPLY);
  const seen: string[] = [];
  io.engine.onToken = () => seen.push(io.stdout.text);
  const requests = linesFile(t, { prompt: 'a', seed: 5 }, { ids: [1], maxTokens: 1 }, { prompt: 'b' });
  await generate({ model: modelDir(t, TEXT_MODEL), requests, maxTokens: 3, seed: 1 }, io);
  t.is(io.stdout.text, 'hello\nhel\nhello\n');
  t.deepEqual(seen, ['', 'hel', 'hel', 'hel', 'hell', 'hell', 'hello\nhel\nhell']);
  t.deepEqual(
    io.engine.requests.map(({ ids, maxNewTokens, seed }) => [ids, maxNewTokens, seed]),
    [
      [[0x61], 3, 5],
      [[1], 1, 1],
      [[0x62], 3, 1],
    ],
  );
});

test('a request that fails after the start is reported, and the others continue', async (t) => {
  const options = { model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1], [2], [3]]), maxTokens: 3 };
  const io = fakeIo(REPLY);
  io.engine.failing.set(1, new Error('no room'));
  const failure = { instanceOf: PromptError, message: '1 of 3 requests failed' };
  await t.throwsAsync(generate(options, io), failure);
  t.is(io.stdout.text, 'hello\nhello\n');
  t.is(io.stderr.text, 'plumbline: prompt 1: no room\n');
  t.true(io.engine.closed);
  const json = fakeIo(REPLY);
  json.engine.failing.set(1, new Error('no room'));
  await t.throwsAsync(generate({ ...options, json: true }, json), failure);
  t.is(json.stdout.text.split('\n')[1], '{"index":1,"error":"no room"}');
  t.is(json.stderr.text, '');
});

test('a model without tokenizer files continues ids: printed as numbers, null as text in JSON', async (t) => {
  const model = modelDir(t, { 'config.json': TINY_CONFIG });
  const options: GenerateOptions = { model, ids: jsonFile(t, [[1], [2]]), maxTokens: 3 };
  const [plain, json] = [fakeIo(REPLY), fakeIo(REPLY)];
  await generate(options, plain);
  t.is(plain.stdout.text, '257 108 111\n257 108 111\n');
  await generate({ ...options, json: true }, json);
  t.deepEqual(
    json.stdout.text.split('\n', 2).map((line) => JSON.parse(line).text),
    [null, null],
  );
});

test('one invalid prompt ends the run before the weights are read', async (t) => {
  const io = fakeIo(REPLY);
  const options = { model: modelDir(t, TEXT_MODEL), maxTokens: 4 };
  await t.throwsAsync(generate({ ...options, ids: jsonFile(t, [[1], [304]]) }, io), {
    instanceOf: PromptError,
    message: /^prompt 1: .*expected a whole number from 0 to 303/,
  });
  await t.throwsAsync(generate({ ...options, prompt: '' }, io), {
    message: /^prompt 0: the prompt is empty/,
  });
  await t.throwsAsync(generate({ ...options, prompt: '13 characters' }, io), { message: /17 positions/ });
  t.is(io.engine.loadedWith, undefined);
  t.is(io.stdout.text, '');
});

test('an interrupt ends the samples after the next token, and later prompts never start', async (t) => {
  const io = fakeIo(REPLY);
  io.engine.onToken = (index) => index === 1 && io.signals.emit('SIGINT', 'SIGINT');
  const ids = jsonFile(t, [[1], [2], [3]]);
  const options = { model: modelDir(t, TEXT_MODEL), ids, maxTokens: 10, maxBatch: 2 };
  await t.throwsAsync(generate(options, io), { instanceOf: Interrupted });
  t.is(io.stdout.text, 'hell\nhell\n');
  t.is(io.engine.requests.length, 2);
  t.true(io.engine.closed);
  await t.throwsAsync(generate({ ...options, json: true }, io), { instanceOf: Interrupted });
  t.like(JSON.parse(io.stdout.text.slice('hell\nhell\n'.length).split('\n')[0]), {
    tokens: [ID.hel, 0x6c],
    finishReason: 'abort',
  });
});

test('an interrupt takes precedence over a failed request', async (t) => {
  const io = fakeIo(REPLY);
  io.engine.failing.set(0, new Error('no room'));
  io.engine.onToken = () => io.signals.emit('SIGINT', 'SIGINT');
  const options = { model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1], [2]]), maxTokens: 2 };
  await t.throwsAsync(generate(options, io), { instanceOf: Interrupted });
});

test('an engine that fails is closed', async (t) => {
  const io = fakeIo(REPLY);
  io.engine.onToken = () => {
    throw new RangeError('of the engine');
  };
  const options = { model: modelDir(t, TEXT_MODEL), prompt: 'a', maxTokens: 1 };
  await t.throwsAsync(generate(options, io), { instanceOf: RangeError });
  t.true(io.engine.closed);
});

test('a terminal shows progress, which does not stay in the text', async (t) => {
  const stderr = new FakeTerminal();
  const io = { ...fakeIo(REPLY), stderr };
  const model = modelDir(t, TEXT_MODEL);
  await generate({ model, prompt: 'abc', maxTokens: 4 }, io);
  t.regex(stderr.text, /0 of 1 done, 0\.0 tokens\/s/);
  t.true(stderr.text.endsWith('\r'), JSON.stringify(stderr.text));
});

test.serial(
  'a terminal shows what is fetched, how much of the weights is read, and tokens in a second',
  async (t) => {
    everyCountIsDrawn(t);
    // Half a second for each look: at the beginning, before the first token, and after each event.
    let ms = 0;
    const timer = mock.method(performance, 'now', () => {
      ms += 500;
      return ms;
    });
    t.teardown(() => timer.mock.restore());
    const stderr = new FakeTerminal();
    const io = { ...fakeIo([0x61, 0x62]), stderr };
    io.engine.failing.set(1, new Error('no room'));
    const options = {
      model: modelDir(t, TEXT_MODEL),
      ids: jsonFile(t, [[1], [2]]),
      maxTokens: 2,
      json: true,
    };
    await t.throwsAsync(generate(options, io), { instanceOf: PromptError });
    const shown = [...new Set(stderr.text.match(/(fetching|reading|\d of)[^\r\u001b]*/g))];
    t.deepEqual(shown, [
      'fetching config.json 50 % of 2 bytes',
      'reading weights 50 % of 2 bytes',
      '0 of 2 done, 0.0 tokens/s',
      '1 of 2 done, 0.0 tokens/s',
      '1 of 2 done, 0.7 tokens/s',
      '1 of 2 done, 1.0 tokens/s',
      '2 of 2 done, 0.8 tokens/s',
    ]);
  },
);

test('the line of a terminal does not stay beside an error', async (t) => {
  const stderr = new FakeTerminal();
  const io = { ...fakeIo(REPLY), stderr };
  io.engine.failing.set(0, new Error('no room'));
  const options = { model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1]]), maxTokens: 2 };
  await t.throwsAsync(generate(options, io), { instanceOf: PromptError });
  t.regex(stderr.text, /\rplumbline: prompt 0: no room\n/);
});

/** The progress line of a terminal and the printed text, at each change. */
async function watch(t: ExecutionContext, isTTY: boolean, json: boolean): Promise<[string, string][]> {
  const stderr = new FakeTerminal();
  const io = { ...fakeIo([0x61, 0x62]), stderr };
  io.stdout.isTTY = isTTY;
  const seen: [string, string][] = [];
  stderr.write = (text) => {
    const shown = /\d of 2 done/.exec(text)?.[0];
    if (shown) seen.push([shown, json ? `${io.stdout.text.split('\n').length - 1} lines` : io.stdout.text]);
    return true;
  };
  // At each token, and only there, enough time has passed for another count to be drawn.
  let now = Date.now();
  const clock = mock.method(Date, 'now', () => now);
  t.teardown(() => clock.mock.restore());
  io.engine.onToken = () => {
    now += 85;
  };
  await generate({ model: modelDir(t, TEXT_MODEL), ids: jsonFile(t, [[1], [2]]), maxTokens: 2, json }, io);
  return seen;
}

test.serial('progress is shown while JSON is printed, or text goes to a file', async (t) => {
  const seen = await watch(t, true, true);
  t.deepEqual(seen.at(-1), ['1 of 2 done', '1 lines']);
  t.true((await watch(t, false, false)).some(([, out]) => out === 'a'));
});

test.serial('progress is never shown in a line of text on a terminal', async (t) => {
  const seen = await watch(t, true, false);
  t.true(seen.length > 0);
  for (const [, out] of seen) t.true(out === '' || out.endsWith('\n'), JSON.stringify(seen));
});

test('a text for a model without a tokenizer is refused', async (t) => {
  const model = modelDir(t, { 'config.json': TINY_CONFIG });
  await t.throwsAsync(generate({ model, prompt: 'a', maxTokens: 1 }, fakeIo()), {
    instanceOf: TokenizerError,
  });
});
