import { createHash } from 'node:crypto';
import { mock } from 'node:test';
import test from 'ava';
import { Generation, type GenerationContext } from '../../../../engine/serving/generation.ts';
import type { GenerateRequest } from '../../../../engine/serving/requests.ts';
import { createTextStream } from '../../../../engine/text/stream.ts';
import { generationContext } from './contexts.ts';

/** What tokens 0 to 6 are in UTF-8; 7 ends the sequence. "é" is C3 A9. */
const PIECES = ['a', 'b', 'S', 'T', '\xc3', '\xa9', '<tag>', '<eos>'].map((bytes) =>
  Uint8Array.from(bytes, (char) => char.charCodeAt(0)),
);
const [A, B, S, T, HALF, OTHER_HALF, TAG, EOS] = PIECES.keys();
const VOCAB = PIECES.length;
const NO_BYTES = new Uint8Array();
const tokenizer: GenerationContext['tokenizer'] = {
  createStream: ({ skipSpecialTokens } = {}) =>
    createTextStream((id) => (skipSpecialTokens && id >= TAG ? NO_BYTES : PIECES[id])),
};

const CONFIG = { vocabSize: VOCAB, eosTokenIds: [EOS], maxPositionEmbeddings: 64 };

function contextOf(options: Partial<GenerateRequest> = {}, withText = true): GenerationContext {
  const request = { ids: [A, B], maxNewTokens: 8, ...options };
  return generationContext(request, CONFIG, { index: 3, tokenizer: withText ? tokenizer : undefined });
}

/** Logits whose largest is that of a token. */
const favouring = (token: number) =>
  Float32Array.from({ length: VOCAB }, (_, id) => (id === token ? 5 : id / 4));

/** Samples tokens until the generation ends. */
function run(options: Partial<GenerateRequest>, tokens: readonly number[], withText = true) {
  const generation = new Generation(contextOf(options, withText), 0, 0);
  const events = [];
  for (const token of tokens) {
    events.push(generation.sampleToken(favouring(token))!);
    if (generation.finishReason) break;
  }
  const texts = events.map(({ text }) => text);
  return { generation, events, texts, result: generation.result(generation.finishReason ?? 'abort') };
}

test('a token event has its request and sample, and the token is appended to the sequence', (t) => {
  const generation = new Generation(contextOf(), 7, 2);
  t.deepEqual(generation.sampleToken(favouring(B)), {
    type: 'token',
    request: 3,
    sample: 2,
    token: B,
    text: 'b',
    logprobs: undefined,
    logits: undefined,
  });
  t.is(generation.sequence.id, 7);
  t.is(new Generation(contextOf({ cacheSalt: 'mine' }), 7, 2).sequence.cacheSalt, 'mine');
  t.deepEqual(generation.sequence.tokens, [A, B, B]);
  t.is(generation.finishReason, undefined);
});

test('a draft leaves out the tokens beyond the last, and is empty unless the engine drafts', (t) => {
  const request = { ids: [A, B, A, B, A, B], maxNewTokens: 4 };
  const [drafting, plain] = [{ promptLookup: 3 }, {}].map(
    (options) => new Generation(generationContext(request, CONFIG, options), 0, 0),
  );
  for (const generation of [drafting, plain]) generation.sampleToken(favouring(A));
  t.deepEqual([drafting.draft(9), drafting.draft(1), plain.draft(9)], [[B, A], [B], []]);
  for (const generation of [drafting, plain]) generation.recordDraft(true);
  t.deepEqual(drafting.result('abort').promptLookup, { drafted: 1, accepted: 1 });
  t.is(plain.result('abort').promptLookup, undefined);
});

test('a generation ends with maxNewTokens tokens', (t) => {
  const { result, texts } = run({ maxNewTokens: 3 }, [A, B, A, B]);
  t.deepEqual(result.tokens, [A, B, A]);
  t.is(result.finishReason, 'length');
  t.is(result.text, 'aba');
  t.deepEqual(texts, ['a', 'b', 'a']);
  t.is(result.promptTokens, 2);
});

test('a stop token ends a generation, and is among the tokens but not in the text', (t) => {
  for (const [options, stop] of [
    [{}, EOS],
    [{ stopTokenIds: [TAG] }, TAG],
    [{ stopTokenIds: [TAG], ignoreEos: true }, TAG],
    [{ maxNewTokens: 2 }, EOS],
  ] as const) {
    const { result, texts } = run(options, [A, stop, B]);
    t.deepEqual([result.tokens, result.finishReason, result.text], [[A, stop], 'stop', 'a']);
    // The end of a sequence is the model's own.
    t.is(result.stopReason, stop === EOS ? undefined : stop);
    t.deepEqual(texts, ['a', '']);
  }
});

test('an ignored end-of-sequence token is a token like any other', (t) => {
  const { result } = run({ ignoreEos: true, maxNewTokens: 3 }, [A, EOS, B]);
  t.deepEqual([result.finishReason, result.text], ['length', 'a<eos>b']);
});

test('special tokens are left out of the text on demand', (t) => {
  const request = { ignoreEos: true, maxNewTokens: 5, skipSpecialTokens: true };
  const { texts, result } = run(request, [A, TAG, EOS, HALF, OTHER_HALF]);
  t.deepEqual([texts, result.text, result.tokens.length], [['a', '', '', '', 'é'], 'aé', 5]);
});

test('a stop string ends a generation; a possible beginning of it is held back', (t) => {
  const found = run({ stop: ['ST'] }, [A, S, S, T, B]);
  t.deepEqual(found.texts, ['a', '', 'S', '']);
  t.deepEqual([found.result.text, found.result.finishReason], ['aS', 'stop']);
  t.is(found.result.stopReason, 'ST');
  t.is(run({ stop: ['ST'], maxNewTokens: 2 }, [A, S]).result.stopReason, undefined);
  t.deepEqual(found.result.tokens, [A, S, S, T]);
  const within = run({ stop: ['ta'] }, [A, TAG, B]);
  t.deepEqual([within.texts, within.result.text], [['a', '<'], 'a<']);
});

test('text that was held back for a stop string comes with the last token', (t) => {
  t.deepEqual(run({ stop: ['ST'], maxNewTokens: 2 }, [A, S]).texts, ['a', 'S']);
  t.deepEqual(run({ stop: ['ST'] }, [S, EOS]).texts, ['', 'S']);
  const { texts, result } = run({ stop: ['ST'] }, [A, S]);
  t.deepEqual([texts, result.text, result.finishReason], [['a', ''], 'aS', 'abort']);
});

test('no text has half a character, unless it ends there', (t) => {
  t.deepEqual(run({ maxNewTokens: 4 }, [A, HALF, OTHER_HALF, B]).texts, ['a', '', 'é', 'b']);
  const half = run({ maxNewTokens: 2 }, [A, HALF]);
  t.deepEqual([half.texts, half.result.text], [['a', '\ufffd'], 'a\ufffd']);
  t.is(run({}, [A, HALF]).result.text, 'a\ufffd', 'aborted');
  t.deepEqual(run({ stop: ['é'] }, [A, HALF, OTHER_HALF]).texts, ['a', '', '']);
});

test('without a tokenizer there is no text', (t) => {
  const { texts, result } = run({ maxNewTokens: 2 }, [A, EOS], false);
  t.deepEqual([texts, result.text, result.finishReason], [[undefined, undefined], undefined, 'stop']);
  t.is(run({}, [A], false).result.text, undefined);
});

test.serial('the time is that from the arrival to the first token, and from there to the result', (t) => {
  let time = 100;
  t.teardown(() => mock.reset());
  mock.method(performance, 'now', () => time);
  const context = contextOf();
  const generation = new Generation(context, 0, 0);
  for (const arrival of [130, 150, 175]) {
    time = arrival;
    generation.sampleToken(favouring(A));
  }
  time = 180;
  t.deepEqual(generation.result('abort').timing, { prefillMs: 30, decodeMs: 50 });
  t.deepEqual(new Generation(context, 1, 1).result('abort').timing, { prefillMs: 80, decodeMs: 0 });
});

test('no token is sampled if maxNewTokens is 0', (t) => {
  const generation = new Generation(contextOf({ maxNewTokens: 0 }), 0, 0);
  t.is(generation.sampleToken(favouring(A)), undefined);
  t.is(generation.finishReason, 'length');
  const { tokens, text, fingerprint, timing } = generation.result('length');
  t.deepEqual([tokens, text], [[], '']);
  t.is(fingerprint, createHash('sha256').digest('hex'));
  t.is(timing.decodeMs, 0);
  t.true(timing.prefillMs >= 0);
});

/** SHA-256 over logits whose largest is each of these tokens in turn. */
function fingerprintOf(tokens: readonly number[]): string {
  const hash = createHash('sha256');
  for (const token of tokens) hash.update(new Uint8Array(favouring(token).buffer));
  return hash.digest('hex');
}

test('the fingerprint is of the logits as they were given, not of the processed ones', (t) => {
  const { result } = run({ logitBias: { [B]: 100 }, maxNewTokens: 2 }, [A, A]);
  t.deepEqual(result.tokens, [B, B]);
  t.is(result.fingerprint, fingerprintOf([A, A]));
});

test('the logits of a stop token count as all others', (t) => {
  t.is(run({}, [A, EOS]).result.fingerprint, fingerprintOf([A, EOS]));
});

test('returned logits and log-probabilities are those of the model, and stay', (t) => {
  const generation = new Generation(contextOf({ returnLogits: true, logprobs: 2, temperature: 0.5 }), 0, 0);
  const lent = favouring(S);
  const event = generation.sampleToken(lent)!;
  lent.fill(0);
  t.deepEqual(event.logits, favouring(S));
  const normaliser = Math.log([...favouring(S)].reduce((sum, logit) => sum + Math.exp(logit), 0));
  const { logprobs } = event;
  t.true(Math.abs(logprobs!.logprob - (favouring(S)[event.token] - normaliser)) < 1e-12);
  t.deepEqual(
    logprobs!.top.map(({ token }) => token),
    [S, EOS],
  );
  t.deepEqual(generation.result('abort').logprobs, [logprobs]);
});

test('log-probabilities of the prompt are kept by position, also if they are computed again', (t) => {
  const generation = new Generation(contextOf({ ids: [A, B, S], promptLogprobs: 1 }), 0, 0);
  for (const position of [0, 1, 0]) generation.addPromptLogprobs(position, favouring(position));
  const { promptLogprobs, logprobs } = generation.result('abort');
  t.deepEqual(
    promptLogprobs!.map(({ token, rank, top }) => [token, rank, top.map((each) => each.token)]),
    [
      // The other logits are a quarter of the id each: that of B is the last, that of S the last but one.
      [B, VOCAB, [0]],
      [S, VOCAB - 1, [1]],
    ],
  );
  t.is(logprobs, undefined);
  const other = new Generation(generation.context, 1, 1).result('abort');
  t.deepEqual(other.promptLogprobs, promptLogprobs, 'all samples have those of their prompt');
  t.is(new Generation(contextOf(), 0, 0).result('abort').promptLogprobs, undefined);
  promptLogprobs!.pop();
  t.is(generation.result('abort').promptLogprobs!.length, 2, 'a result has a list of its own');
});

test('the cached tokens of the prompt are recorded once, for all samples', (t) => {
  const context = contextOf();
  const [first, second] = [new Generation(context, 0, 0), new Generation(context, 1, 1)];
  t.is(first.result('abort').cachedTokens, 0);
  first.sequence.numComputedTokens = 1;
  first.begin();
  second.sequence.numComputedTokens = 2;
  second.begin();
  t.deepEqual(
    [first, second].map((each) => each.result('length').cachedTokens),
    [1, 1],
  );
});

test('samples of a request draw random numbers of their own', (t) => {
  const context = contextOf({ temperature: 1, n: 2, maxNewTokens: 30 });
  const draw = (sample: number) => {
    const generation = new Generation(context, 0, sample);
    for (let i = 0; i < 30; i++) generation.sampleToken(new Float32Array(VOCAB));
    return generation.result('length').tokens;
  };
  t.deepEqual(draw(0), draw(0));
  t.notDeepEqual(draw(0), draw(1));
});
