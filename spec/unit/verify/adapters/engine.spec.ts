import { cpSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Engine } from '../../../../engine/index.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { readPrompts } from '../../../../golden/goldens.ts';
import { storedCases } from '../../../../golden/verify-case.ts';
import { engineSubject } from '../../../../verify/adapters/engine.ts';
import { SubjectError } from '../../../../verify/errors.ts';
import type { Conversation } from '../../../../verify/subject.ts';
import { addsSpecialToken, START } from '../../../support/models/adding-tokenizer.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const IDS = [5, 6, 7, 8];

test("our engine as a subject gives the engine's own rows, hidden states, tokens and fingerprint", async (t) => {
  const modelDir = await ensureFixture('dense');
  const subject = engineSubject('ours', Engine);
  t.is(subject.info.name, 'ours');
  const model = closing(t, await subject.load(modelDir));
  const engine = closing(t, await Engine.load(modelDir));
  const { logits, hidden } = engine.forward(IDS, { positions: [1, 3], hidden: true });
  const answer = await model.forward({ ids: IDS, positions: [1, 3], hidden: true });
  const { vocabSize } = engine.config;
  t.deepEqual(answer.rows, [
    { values: logits.subarray(0, vocabSize) },
    { values: logits.subarray(vocabSize) },
  ]);
  t.deepEqual(answer.hidden, hidden);
  t.is((await model.forward({ ids: IDS, positions: [0] })).hidden, undefined);

  const generated = await model.generate({ ids: IDS, maxNewTokens: 3 });
  t.is(generated.tokens.length, 3);
  const context = [...IDS, ...generated.tokens];
  t.deepEqual(
    generated.scores,
    (await model.forward({ ids: context, positions: [3, 4, 5] })).rows,
    'the rows that tokens are chosen from',
  );
  t.regex(generated.fingerprint!, /^[0-9a-f]{64}$/);
  t.like(model.capabilities, { scores: 'all', hidden: true, precision: 'f32' });
  t.is(model.capabilities.maxConcurrency, engine.options.maxBatch);
});

test('what the engine refuses is an error of the subject that names the call; a fault of another kind is not', async (t) => {
  const model = closing(t, await engineSubject('ours', Engine).load(await ensureFixture('dense')));
  await t.throwsAsync(() => model.forward({ ids: [], positions: [] }), {
    instanceOf: SubjectError,
    message: /^forward: .*the prompt is empty/,
  });
  await t.throwsAsync(() => model.generate({ ids: [], maxNewTokens: 1 }), {
    instanceOf: SubjectError,
    message: /^generate: .*the prompt is empty/,
  });
  const fault = new TypeError('a fault');
  const broken = engineSubject('broken', {
    load: async () => ({
      options: { maxBatch: 1 } as Engine['options'],
      forward: () => {
        throw fault;
      },
      generate: () => {
        throw fault;
      },
      close: async () => {},
    }),
  });
  const answering = await broken.load('');
  t.is(await t.throwsAsync(() => answering.forward({ ids: [1], positions: [0] })), fault);
});

test('our engine gives the ids of texts and conversations, as the goldens have them', async (t) => {
  const modelDir = await ensureFixture('dense-bf16');
  const loads = { load: async () => ({ options: { maxBatch: 1 } }) as Engine };
  const { capabilities, tokenize, tokenizeChat } = await engineSubject('ours', loads).load(modelDir);
  t.like(capabilities, { tokenize: true, chat: true });
  const { prompts } = readPrompts();
  const chosen = ['short-capital', 'edge-special-tokens', 'chat-tools', 'chat-no-thinking'];
  for (const { id, text, conversation, promptIds } of storedCases('dense-bf16', prompts)) {
    if (!chosen.includes(id)) continue;
    const ids = conversation
      ? await tokenizeChat!({ ...conversation.template, messages: conversation.messages } as Conversation)
      : await tokenize!(text!);
    t.deepEqual(ids, [...promptIds], id);
  }
  const bare = await engineSubject('ours', loads).load(temporaryFolder(t));
  t.like(bare.capabilities, { tokenize: false, chat: false });
  t.is(bare.tokenize, undefined);
});

test('our engine adds to a conversation the prompt to answer that is asked for, and no other token', async (t) => {
  const modelDir = join(temporaryFolder(t), 'dense');
  cpSync(await ensureFixture('dense'), modelDir, { recursive: true });
  addsSpecialToken(modelDir);
  const loads = { load: async () => ({ options: { maxBatch: 1 } }) as Engine };
  const { tokenize, tokenizeChat } = await engineSubject('ours', loads).load(modelDir);
  t.deepEqual(await tokenize!('hi'), [...Buffer.from('hi')]);
  const messages = [{ role: 'user', content: 'hi' }];
  const without = await tokenizeChat!({ messages, addGenerationPrompt: false });
  t.deepEqual(without.slice(0, 2), [START, ...Buffer.from('u')]);
  const prompted = [...without, START, ...Buffer.from('assistant\n')];
  t.deepEqual(await tokenizeChat!({ messages, addGenerationPrompt: true }), prompted);
  t.deepEqual(await tokenizeChat!({ messages }), prompted);
});
