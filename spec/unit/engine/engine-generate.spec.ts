import { createHash } from 'node:crypto';
import test from 'ava';
import type { Engine } from '../../../engine/engine.ts';
import { EngineClosedError, OptionError, type PlumblineError, PromptError } from '../../../engine/errors.ts';
import type { GenerateRequest } from '../../../engine/serving/requests.ts';
import { createTextStream } from '../../../engine/text/stream.ts';
import { generateAll, generateOne } from '../../../verify/generate.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, loadEngine } from './tiny-models.ts';

trackResources(test);

const VOCAB = 19;
const IDS = [3, 0, 18, 7, 7, 11];
const REQUEST = { ids: IDS, maxNewTokens: 8 };
/** Token 0 is "a", token 18 is "s". */
const LETTERS = {
  createStream: () => createTextStream((id) => Uint8Array.of(97 + id)),
};
const textOf = (tokens: readonly number[]) => String.fromCharCode(...tokens.map((id) => 97 + id));

const generate = async (engine: Engine, request: Partial<GenerateRequest> = {}) =>
  (await generateOne(engine, { ...REQUEST, ...request })).result;

function largest(logits: Float32Array): number {
  return logits.indexOf(Math.max(...logits));
}

test('each token has the largest of the logits that a forward pass over all tokens before it gives', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { result, events } = await generateOne(engine, { ...REQUEST, returnLogits: true });
  t.is(events.length, 8);
  t.deepEqual(
    result.tokens,
    events.map(({ token }) => token),
  );
  const sequence = [...IDS];
  for (const { token, logits } of events) {
    const { logits: expected } = engine.forward(sequence, { positions: [sequence.length - 1] });
    t.deepEqual(logits, expected);
    t.is(token, largest(expected));
    sequence.push(token);
  }
  t.true(new Set(result.tokens).size > 2, `the model says always the same: ${result.tokens}`);
});

test('a result has the length of the prompt, why it ended, and how long it took', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const begin = performance.now();
  const { events, result } = await generateOne(engine, REQUEST);
  const ms = performance.now() - begin;
  const { tokens, timing, fingerprint, ...others } = result;
  t.deepEqual(others, {
    ...{ promptTokens: 6, cachedTokens: 0, finishReason: 'length', stopReason: undefined },
    ...{ text: undefined, logprobs: undefined, promptLogprobs: undefined },
  });
  t.is(tokens.length, 8);
  const { prefillMs, decodeMs } = timing;
  t.true(
    prefillMs > 0 && decodeMs > 0 && prefillMs + decodeMs <= ms,
    `${JSON.stringify(timing)} of ${ms} ms`,
  );
  t.deepEqual(events[0], {
    type: 'token',
    request: 0,
    sample: 0,
    token: tokens[0],
    text: undefined,
    logprobs: undefined,
    logits: undefined,
  });
});

test('a generation ends with the first end-of-sequence token, which is among the tokens', async (t) => {
  const { tokens } = await generate(await loadEngine(t, denseModel()));
  const eos = tokens[4];
  const never = [...Array(VOCAB).keys()].find((id) => !tokens.includes(id))!;
  const engine = await loadEngine(t, denseModel({ eos_token_id: [never, eos] }));
  const stopped = await generate(engine);
  t.deepEqual(stopped.tokens, tokens.slice(0, tokens.indexOf(eos) + 1));
  t.is(stopped.finishReason, 'stop');
  const ignoring = await generate(engine, { ignoreEos: true });
  t.deepEqual([ignoring.tokens, ignoring.finishReason], [tokens, 'length']);
  const asked = await generate(engine, { ignoreEos: true, stopTokenIds: [tokens[1]] });
  t.deepEqual([asked.tokens, asked.finishReason], [tokens.slice(0, tokens.indexOf(tokens[1]) + 1), 'stop']);
});

test('an end-of-sequence token that is the last allowed one counts as a stop', async (t) => {
  const [token] = (await generate(await loadEngine(t, denseModel()))).tokens;
  const engine = await loadEngine(t, denseModel({ eos_token_id: token }));
  const { tokens, finishReason } = await generate(engine, { maxNewTokens: 1 });
  t.deepEqual({ tokens, finishReason }, { tokens: [token], finishReason: 'stop' });
});

test('no end-of-sequence token is sampled before minNewTokens', async (t) => {
  const [eos] = (await generate(await loadEngine(t, denseModel()))).tokens;
  const engine = await loadEngine(t, denseModel({ eos_token_id: eos }));
  t.deepEqual((await generate(engine)).tokens, [eos]);
  const { tokens } = await generate(engine, { minNewTokens: 5, maxNewTokens: 20 });
  t.true(tokens.length > 5 && !tokens.slice(0, 5).includes(eos), String(tokens));
});

test('a request for 0 new tokens gives an empty result', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { events, result } = await generateOne(engine, { ...REQUEST, maxNewTokens: 0 });
  t.deepEqual([events, result.tokens, result.finishReason], [[], [], 'length']);
  t.is(result.fingerprint, createHash('sha256').digest('hex'));
});

test('a tokenizer gives the text of every token, and of the whole', async (t) => {
  const engine = await loadEngine(t, denseModel(), { tokenizer: LETTERS });
  const { events, result } = await generateOne(engine, REQUEST);
  t.is(result.text, textOf(result.tokens));
  for (const { text, token } of events) t.is(text, textOf([token]));
});

test('a stop string ends the text before it, and is held back on the way', async (t) => {
  const engine = await loadEngine(t, denseModel(), { tokenizer: LETTERS });
  const whole = (await generate(engine)).text!;
  const stop = whole.slice(3, 5);
  const { events, result } = await generateOne(engine, { ...REQUEST, stop: ['never', stop] });
  const before = whole.slice(0, whole.indexOf(stop));
  t.deepEqual([result.text, result.finishReason], [before, 'stop']);
  t.is(result.tokens.length, before.length + 2);
  t.is(events.map(({ text }) => text).join(''), before);
});

test('timers run between two tokens', async (t) => {
  const engine = await loadEngine(t, denseModel());
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  t.teardown(() => clearInterval(timer));
  const begin = performance.now();
  while (turns === 0 && performance.now() - begin < 5000) await generate(engine);
  t.true(turns > 0);
});

test('the fingerprint is the SHA-256 of the little-endian bytes of the logits of each token', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const hash = createHash('sha256');
  const { result, events } = await generateOne(engine, { ...REQUEST, returnLogits: true, temperature: 0.8 });
  for (const { logits } of events) {
    const bytes = new DataView(new ArrayBuffer(4 * VOCAB));
    logits!.forEach((logit, i) => {
      bytes.setFloat32(4 * i, logit, true);
    });
    hash.update(bytes);
  }
  t.is(result.fingerprint, hash.digest('hex'));
});

test('a prompt that was computed before is found in the cache, except the block of its last token', async (t) => {
  const engine = await loadEngine(t, denseModel(), { blockSize: 2 });
  const first = await generate(engine);
  const again = await generate(engine);
  const longer = await generate(engine, { ids: [...IDS, 5] });
  t.deepEqual(
    [first, again, longer].map(({ cachedTokens }) => cachedTokens),
    [0, 4, 6],
  );
  t.is(again.fingerprint, first.fingerprint);
  t.deepEqual(engine.stats().prefixCache, { queries: 3, hits: 2, savedTokens: 10 });
  const without = await loadEngine(t, denseModel(), { blockSize: 2, prefixCaching: false });
  await generate(without);
  t.is((await generate(without)).cachedTokens, 0);
  t.is(without.stats().blocks.cached, 0);
});

test('a caller may append the tokens to the array of the prompt', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const alone = await generate(engine);
  const ids = [...IDS];
  const { result } = await generateOne(engine, { ...REQUEST, ids }, ({ token }) => ids.push(token));
  t.deepEqual(ids, [...IDS, ...alone.tokens]);
  t.deepEqual([result.tokens, result.promptTokens], [alone.tokens, 6]);
  t.is(result.fingerprint, alone.fingerprint);
});

const REFUSED: [string, Partial<GenerateRequest>, RegExp, typeof OptionError?][] = [
  ['an empty prompt', { ids: [] }, /the prompt is empty/],
  ['an id beyond the vocabulary', { ids: [0, 19] }, /id at position 1 is 19; expected .* from 0 to 18/],
  [
    'more than the model has',
    { maxNewTokens: 59 },
    /take 65 positions \(6 of the prompt\); the model has 64/,
  ],
  [
    'more than the cache has',
    { maxNewTokens: 27 },
    /take 33 positions \(6 of the prompt\); the cache has 32: raise cacheTokens/,
  ],
  [
    'a negative number of new tokens',
    { maxNewTokens: -1 },
    /maxNewTokens is -1; expected a whole number/,
    OptionError,
  ],
  [
    'a number of new tokens that is not a number',
    { maxNewTokens: NaN },
    /maxNewTokens is NaN; expected/,
    OptionError,
  ],
  ['a parameter out of range', { topP: 2 }, /topP is 2; expected a number from 0 to 1/, OptionError],
  [
    'stop strings without a tokenizer',
    { stop: ['.'] },
    /stop is \[ '.' \]; expected no stop strings without text: give the engine a tokenizer/,
    OptionError,
  ],
];
for (const [what, request, message, instanceOf = PromptError] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
    await t.throwsAsync<PlumblineError>(generate(engine, request), { instanceOf, message });
    const good = { ...REQUEST, maxNewTokens: 2 };
    const events = await generateAll(engine, [good, { ...REQUEST, ...request }, good]);
    t.deepEqual(events.map((event) => `${event.type} of ${event.request}`).sort(), [
      'error of 1',
      'result of 0',
      'result of 2',
      ...['token of 0', 'token of 0'],
      ...['token of 2', 'token of 2'],
    ]);
    t.is(engine.stats().blocks.free, 2);
  });
}

test('closing the engine ends a generation with a clear error', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const expected = { instanceOf: EngineClosedError, message: /the engine is closed.*load/ };
  const closing = generateOne(engine, REQUEST, () => engine.close());
  await t.throwsAsync(closing, expected);
  t.deepEqual([engine.stats().running, engine.stats().blocks.free], [0, 4]);
  await t.throwsAsync(generate(engine), expected);
});
