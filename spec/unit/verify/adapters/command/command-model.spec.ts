import test from 'ava';
import { CommandModel, type ModelSession } from '../../../../../verify/adapters/command/command-model.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { encodeArray } from '../../../../support/adapters/encode-array.ts';

const limits = { requestMs: 7000, stopMs: 300 };
const scores = { values: encodeArray(Float32Array.of(1, 2), [1, 2]) };

/** A session that gives one answer and remembers what it was asked. */
function sessionOf(answer: object) {
  const asked: unknown[] = [];
  const session = {
    request: async (...args: unknown[]) => {
      asked.push(args);
      return answer;
    },
    close: async (graceMs: number) => asked.push(graceMs),
  };
  return { asked, session: session as unknown as ModelSession };
}

test('what the engine did not say about itself is not asked of it', (t) => {
  const model = new CommandModel(sessionOf({}).session, { scores: 'top', values: 'logits' }, limits);
  t.deepEqual(model.capabilities, {
    scores: 'top',
    hidden: false,
    tokenize: false,
    chat: false,
    maxConcurrency: 1,
  });
  t.is(model.tokenize, undefined);
  t.is(model.tokenizeChat, undefined);
});

test('forward asks for scores, and for hidden states only where the engine has them', async (t) => {
  const hidden = encodeArray(new Float32Array(12), [3, 2, 2]);
  for (const able of [true, false]) {
    const { session, asked } = sessionOf(able ? { scores, hidden } : { scores });
    const model = new CommandModel(session, { scores: 'all', hidden: able }, limits);
    const { signal } = new AbortController();
    const answer = await model.forward({ ids: [5, 6], positions: [1], hidden: true, signal });
    const options = { asked: 'forward of 2 ids', limitMs: 7000, signal };
    t.deepEqual(asked, [['forward', { ids: [5, 6], positions: [1], hidden: able }, options]]);
    t.deepEqual(answer.rows, [{ values: Float32Array.of(1, 2) }]);
    t.is(answer.hidden?.length, able ? 12 : undefined);
  }
});

test('hidden states of another number of tokens are refused', async (t) => {
  const { session } = sessionOf({ scores, hidden: encodeArray(new Float32Array(12), [2, 3, 2]) });
  const model = new CommandModel(session, { scores: 'all', hidden: true }, limits);
  await t.throwsAsync(model.forward({ ids: [5, 6], positions: [1], hidden: true }), {
    instanceOf: SubjectError,
    message: 'forward of 2 ids: hidden has the shape [2, 3, 2]; expected [layers + 2, 2, hidden size]',
  });
});

test('an engine without scores is not asked for a forward pass', async (t) => {
  const { session, asked } = sessionOf({});
  const model = new CommandModel(session, { scores: 'none' }, limits);
  await t.throwsAsync(model.forward({ ids: [5], positions: [0] }), {
    instanceOf: NotSupportedError,
    message: 'forward of 1 ids: skipped: the engine has no scores',
  });
  t.deepEqual(asked, []);
});

test('generate passes on tokens, a fingerprint, and the rows that the tokens were chosen from', async (t) => {
  const bare = sessionOf({ tokens: [4], fingerprint: 'f' });
  const request = { ids: [1, 2], maxNewTokens: 1 };
  const modelOf = (session: ModelSession) => new CommandModel(session, { scores: 'all' }, limits);
  t.deepEqual(await modelOf(bare.session).generate(request), { tokens: [4], fingerprint: 'f' });
  t.like(bare.asked[0], { 0: 'generate', 1: { ids: [1, 2], maxNewTokens: 1, greedy: true } });
  const full = await modelOf(sessionOf({ tokens: [1], scores }).session).generate(request);
  t.deepEqual(full.scores, [{ values: Float32Array.of(1, 2) }]);
  const ids = encodeArray(Int32Array.of(1, 0), [1, 2]);
  const top = await modelOf(sessionOf({ tokens: [1], scores: { ...scores, ids } }).session).generate(request);
  t.deepEqual(top.scores?.[0].ids, Int32Array.of(1, 0));
  await t.throwsAsync(modelOf(sessionOf({ tokens: [1, 2], scores }).session).generate(request), {
    message: 'generate of 1 tokens after 2 ids: scores.values has the shape [1, 2]; expected [2, vocabulary]',
  });
});

test('texts and conversations are tokenized, with the generation prompt unless it is refused', async (t) => {
  const { session, asked } = sessionOf({ ids: [3, 4] });
  const model = new CommandModel(session, { scores: 'none', tokenize: true, chat: true }, limits);
  t.deepEqual(await model.tokenize?.('a b'), [3, 4]);
  const messages = [{ role: 'user', content: 'hi' }];
  t.deepEqual(await model.tokenizeChat?.({ messages, enableThinking: false }), [3, 4]);
  await model.tokenizeChat?.({ messages, addGenerationPrompt: false });
  t.like(asked[0], { 0: 'tokenize', 1: { text: 'a b' }, 2: { asked: 'tokenize of 3 characters' } });
  t.like(asked[1], { 0: 'tokenizeChat', 1: { messages, enableThinking: false, addGenerationPrompt: true } });
  t.like(asked[2], { 1: { addGenerationPrompt: false }, 2: { asked: 'tokenizeChat of 1 messages' } });
});

test('closing the model ends the session with the grace of its limits', async (t) => {
  const { session, asked } = sessionOf({});
  await new CommandModel(session, { scores: 'all' }, limits).close();
  t.deepEqual(asked, [300]);
});
