import { createHash } from 'node:crypto';
import test from 'ava';
import type { Engine } from '../../../engine/engine.ts';
import { KernelError, PromptError } from '../../../engine/errors.ts';
import type { Delta, GenerateRequest, GenerateResult } from '../../../engine/requests.ts';
import { trackResources } from '../../support/cleanup.ts';
import { denseModel, loadEngine } from './tiny-models.ts';

trackResources(test);

const IDS = [3, 0, 18, 7, 7, 11];

/** A generation to its end. */
async function run(
  deltas: AsyncGenerator<Delta, GenerateResult>,
  onDelta: (delta: Delta) => void = () => {},
): Promise<GenerateResult> {
  for (let next = await deltas.next(); ; next = await deltas.next()) {
    if (next.done) return next.value;
    onDelta(next.value);
  }
}

const generate = (engine: Engine, request: Partial<GenerateRequest> = {}) =>
  run(engine.generate({ ids: IDS, maxNewTokens: 8, ...request }));

/** A prompt that fills all blocks can only be computed if none of them is taken. */
function assertAllFree(engine: Engine): void {
  engine.forward(new Array(engine.options.cacheTokens).fill(1), { positions: [] });
}

function largest(logits: Float32Array): number {
  return logits.indexOf(Math.max(...logits));
}

test('each token has the largest of the logits that a forward pass over all tokens before it gives', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const deltas: Delta[] = [];
  const request = { ids: IDS, maxNewTokens: 8 };
  const result = await run(engine.generate(request), ({ token, logits }) =>
    deltas.push({ token, logits: logits.slice() }),
  );
  t.is(deltas.length, 8);
  t.deepEqual(
    result.tokens,
    deltas.map(({ token }) => token),
  );
  const sequence = [...IDS];
  for (const { token, logits } of deltas) {
    const { logits: expected } = engine.forward(sequence, { positions: [sequence.length - 1] });
    t.deepEqual(logits, expected);
    t.is(token, largest(expected));
    sequence.push(token);
  }
  t.true(new Set(result.tokens).size > 2, `the model says always the same: ${result.tokens}`);
});

test('a result tells the length of the prompt, why it ended, and how long it took', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { promptTokens, tokens, finishReason, timing } = await generate(engine);
  t.is(promptTokens, 6);
  t.is(tokens.length, 8);
  t.is(finishReason, 'length');
  t.true(timing.prefillMs > 0 && timing.decodeMs > 0, JSON.stringify(timing));
});

test('a generation ends with the first end-of-sequence token, which is among the tokens', async (t) => {
  const { tokens } = await generate(await loadEngine(t, denseModel()));
  const eos = tokens[4];
  const never = [...Array(19).keys()].find((id) => !tokens.includes(id))!;
  const engine = await loadEngine(t, denseModel({ eos_token_id: [never, eos] }));
  const stopped = await generate(engine);
  t.deepEqual(stopped.tokens, tokens.slice(0, tokens.indexOf(eos) + 1));
  t.is(stopped.finishReason, 'stop');
  const ignoring = await generate(engine, { ignoreEos: true });
  t.deepEqual([ignoring.tokens, ignoring.finishReason], [tokens, 'length']);
});

test('an end-of-sequence token that is the last allowed one counts as a stop', async (t) => {
  const [token] = (await generate(await loadEngine(t, denseModel()))).tokens;
  const engine = await loadEngine(t, denseModel({ eos_token_id: token }));
  const { tokens, finishReason } = await generate(engine, { maxNewTokens: 1 });
  t.deepEqual({ tokens, finishReason }, { tokens: [token], finishReason: 'stop' });
});

test('of no new tokens none is generated', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { tokens, finishReason, fingerprint } = await generate(engine, { maxNewTokens: 0 });
  t.deepEqual({ tokens, finishReason }, { tokens: [], finishReason: 'length' });
  t.is(fingerprint, createHash('sha256').digest('hex'));
});

test('a signal ends the generation after the next token', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
  const whole = await generate(engine);
  const aborted = await generate(engine, { signal: AbortSignal.abort() });
  t.deepEqual([aborted.tokens, aborted.finishReason], [whole.tokens.slice(0, 1), 'abort']);
  const controller = new AbortController();
  let count = 0;
  const later = await run(
    engine.generate({ ids: IDS, maxNewTokens: 8, signal: controller.signal }),
    () => ++count === 3 && controller.abort(),
  );
  t.deepEqual([later.tokens, later.finishReason], [whole.tokens.slice(0, 3), 'abort']);
  assertAllFree(engine);
  t.pass();
});

test('a signal ends the generation between two chunks of the prompt', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 32, prefillChunk: 2 });
  const aborted = await generate(engine, { signal: AbortSignal.abort() });
  t.deepEqual([aborted.tokens, aborted.finishReason], [[], 'abort']);
  assertAllFree(engine);
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
  const { fingerprint } = await run(engine.generate({ ids: IDS, maxNewTokens: 5 }), ({ logits }) => {
    const bytes = new DataView(new ArrayBuffer(4 * logits.length));
    logits.forEach((logit, i) => {
      bytes.setFloat32(4 * i, logit, true);
    });
    hash.update(bytes);
  });
  t.is(fingerprint, hash.digest('hex'));
});

test('two generations that take turns on one engine do not disturb each other', async (t) => {
  // One chunk holds the shorter prompts; the longer need several, so that their prefills meet.
  const engine = await loadEngine(t, denseModel(), { prefillChunk: 4, blockSize: 4 });
  const requests = [
    { ids: IDS, maxNewTokens: 9 },
    { ids: [5, 1], maxNewTokens: 12 },
    { ids: [9, 9, 2, 13, 4, 17, 6, 0, 8, 1], maxNewTokens: 3 },
    { ids: [4], maxNewTokens: 5 },
  ];
  const alone: GenerateResult[] = [];
  for (const request of requests) alone.push(await run(engine.generate(request)));
  const together = await Promise.all(
    requests.map((request) =>
      run(engine.generate(request), ({ token, logits }) => t.is(token, largest(logits))),
    ),
  );
  for (const [i, { tokens, fingerprint }] of together.entries()) {
    t.deepEqual(tokens, alone[i].tokens);
    t.is(fingerprint, alone[i].fingerprint);
  }
});

test('a forward pass between two tokens does not disturb the generation', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const alone = await generate(engine);
  const disturbed = await run(engine.generate({ ids: IDS, maxNewTokens: 8 }), () => {
    engine.forward([1, 2, 3]);
  });
  t.is(disturbed.fingerprint, alone.fingerprint);
});

test('a reader may append the tokens to the array that was the prompt', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const alone = await generate(engine);
  const ids = [...IDS];
  const { fingerprint } = await run(engine.generate({ ids, maxNewTokens: 8 }), ({ token }) =>
    ids.push(token),
  );
  t.deepEqual(ids, [...IDS, ...alone.tokens]);
  t.is(fingerprint, alone.fingerprint);
});

test('a loop that is left early gives the blocks back', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
  for await (const { token } of engine.generate({ ids: IDS, maxNewTokens: 26 })) {
    t.true(Number.isInteger(token));
    t.throws(() => engine.forward([1]), { instanceOf: PromptError, message: /the cache has 0 left/ });
    break;
  }
  assertAllFree(engine);
  const failing = async () => {
    for await (const _ of engine.generate({ ids: IDS, maxNewTokens: 26 })) throw new Error('reader failed');
  };
  await t.throwsAsync(failing, { message: 'reader failed' });
  assertAllFree(engine);
});

test('a generation that was never begun takes no blocks', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
  engine.generate({ ids: IDS, maxNewTokens: 20 });
  assertAllFree(engine);
  t.pass();
});

const REFUSED: [string, Partial<GenerateRequest>, RegExp][] = [
  ['an empty prompt', { ids: [] }, /the prompt is empty/],
  ['an id beyond the vocabulary', { ids: [0, 19] }, /id at position 1 is 19; expected .* from 0 to 18/],
  [
    'a continuation beyond the positions of the model',
    { maxNewTokens: 59 },
    /take 65 positions \(6 of the prompt\); the model has 64/,
  ],
  [
    'a continuation beyond the cache',
    { maxNewTokens: 27 },
    /take 33 positions \(6 of the prompt\); the cache has 32 left: raise cacheTokens/,
  ],
  ['a negative number of new tokens', { maxNewTokens: -1 }, /maxNewTokens is -1; expected a whole number/],
  ['half a new token', { maxNewTokens: 2.5 }, /maxNewTokens is 2\.5; expected a whole number/],
  ['a number of new tokens that is none', { maxNewTokens: NaN }, /maxNewTokens is NaN; expected/],
];
for (const [what, request, message] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const engine = await loadEngine(t, denseModel(), { cacheTokens: 32 });
    await t.throwsAsync(generate(engine, request), { instanceOf: PromptError, message });
    assertAllFree(engine);
  });
}

test('closing the engine ends a generation with a clear error', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const deltas = engine.generate({ ids: IDS, maxNewTokens: 8 });
  await deltas.next();
  engine.close();
  await t.throwsAsync(deltas.next(), { instanceOf: KernelError, message: /the engine was closed.*load/ });
});
