import test from 'ava';
import type { Engine, GenerateEvent, GenerateResult, TokenEvent } from '../../../engine/index.ts';
import { generateAll, generateOne, resultsOf } from '../../../verify/generate.ts';

const token = (request: number, sample: number, id: number): TokenEvent => ({
  type: 'token',
  request,
  sample,
  token: id,
  text: undefined,
  logprobs: undefined,
  logits: undefined,
});
const resultWith = (tokens: number[]) => ({ tokens }) as GenerateResult;
const result = (request: number, sample: number, ...tokens: number[]): GenerateEvent => ({
  type: 'result',
  request,
  sample,
  result: resultWith(tokens),
});
const refusal: GenerateEvent = { type: 'error', request: 0, error: new Error('the prompt is empty') };

/** An engine that yields these events whatever it is asked. */
const engineOf = (...events: GenerateEvent[]): Pick<Engine, 'generate'> => ({
  async *generate() {
    yield* events;
  },
});
const request = { ids: [1], maxNewTokens: 2 };

test('all events of a generation are collected in their order', async (t) => {
  const events = [token(0, 0, 5), result(0, 0, 5), refusal];
  t.deepEqual(await generateAll(engineOf(...events), [request]), events);
});

test('one request gives its result and its tokens, each of which is passed on as it comes', async (t) => {
  const told: number[] = [];
  const engine = engineOf(token(0, 0, 5), token(0, 0, 6), result(0, 0, 5, 6));
  const one = await generateOne(engine, request, (event) => told.push(event.token));
  t.deepEqual(one.result.tokens, [5, 6]);
  t.deepEqual(one.events, [token(0, 0, 5), token(0, 0, 6)]);
  t.deepEqual(told, [5, 6]);
});

test('one request without a result, with two, or with an error is refused', async (t) => {
  await t.throwsAsync(generateOne(engineOf(token(0, 0, 5)), request), { message: /ended without a result/ });
  await t.throwsAsync(generateOne(engineOf(result(0, 0), result(0, 0)), request), {
    message: /gave a second result/,
  });
  await t.throwsAsync(generateOne(engineOf(refusal), request), { message: 'the prompt is empty' });
});

test('results are sorted by request and sample, however they come', (t) => {
  const events = [result(1, 0, 3), token(0, 1, 9), result(0, 1, 2), result(0, 0, 1)];
  t.deepEqual(resultsOf(events), [[resultWith([1]), resultWith([2])], [resultWith([3])]]);
  t.throws(() => resultsOf([...events, refusal]), { message: 'the prompt is empty' });
});
