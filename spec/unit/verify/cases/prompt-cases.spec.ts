import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CheckpointError, PromptError } from '../../../../engine/errors.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { readCase, readPrompts } from '../../../../golden/goldens.ts';
import { promptCases } from '../../../../verify/cases/prompt-cases.ts';
import { addsSpecialToken, START } from '../../../support/models/adding-tokenizer.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

test('our engine continues prompts as the goldens say', async (t) => {
  const modelDir = await ensureFixture('dense');
  const { prompts } = readPrompts();
  const chosen = prompts.filter(({ id }) => ['ids-short', 'ids-longer', 'ids-empty'].includes(id));
  const told: string[] = [];
  const cases = await promptCases(
    modelDir,
    { prompts: chosen, maxNewTokens: 16 },
    {
      folder: temporaryFolder(t),
      onProgress: (what) => told.push(what),
      onCase: (id, done, of) => told.push(`${id}, ${done} of ${of}`),
    },
  );
  for (const { id, promptIds, greedy, positions, refusal } of cases) {
    const golden = readCase('dense', id);
    t.deepEqual([...promptIds], golden.ids, id);
    if ('refusal' in golden) t.is(refusal, 'the prompt is empty');
    else {
      t.deepEqual([...greedy], golden.greedy.tokens, id);
      t.is(positions.length, golden.ids.length + 16, id);
    }
  }
  t.is(told.length, 3);
  t.is(told[0], 'greedy tokens after 2 prompts');
  t.regex(told[1], /^ids-(longer|short), 1 of 2$/);
  t.regex(told[2], /, 2 of 2$/);
});

test('prompts are continued once; for other prompts or weights the engine is asked again', async (t) => {
  const [modelDir, folder] = [join(temporaryFolder(t), 'dense'), temporaryFolder(t)];
  cpSync(await ensureFixture('dense'), modelDir, { recursive: true });
  let computed = 0;
  const load = (ids: number[], maxNewTokens = 2) =>
    promptCases(
      modelDir,
      { prompts: [{ id: 'a', category: 'short', ids }], maxNewTokens },
      { folder, onCase: () => computed++ },
    );
  const first = await load([1, 2]);
  const weights = join(modelDir, 'model.safetensors');
  const bytes = readFileSync(weights);
  writeFileSync(weights, 'no weights');
  await t.throwsAsync(load([1, 2]), { instanceOf: CheckpointError }, 'other weights');
  writeFileSync(weights, bytes);
  t.deepEqual(await load([1, 2]), first);
  t.is(computed, 1);
  const kept = readdirSync(folder).map((file) => join(folder, file));
  t.is(kept.length, 1);
  await load([1, 3]);
  await load([1, 2], 1);
  t.is(computed, 3);
  writeFileSync(kept[0], '{"tokens": [[1, 2]');
  t.deepEqual(await load([1, 2]), first, 'half a file is written anew');
  t.is(computed, 4);
});

test('texts and conversations are encoded by the model’s own tokenizer and template', async (t) => {
  const modelDir = await ensureFixture('dense-bf16');
  const { prompts } = readPrompts();
  const chosen = prompts.filter(({ id }) => ['short-capital', 'chat-tools'].includes(id));
  for (const { id, promptIds, text, conversation } of await promptCases(modelDir, {
    prompts: chosen,
    maxNewTokens: 1,
  })) {
    t.deepEqual([...promptIds], readCase('dense-bf16', id).ids, id);
    t.is(text, readCase('dense-bf16', id).text);
    t.is(conversation !== undefined, id === 'chat-tools');
  }
});

test('a conversation has a prompt to answer unless its template refuses one', async (t) => {
  const modelDir = await ensureFixture('dense');
  const messages = [{ role: 'user', content: 'hi' }];
  const chat = (id: string, addGenerationPrompt?: boolean) => {
    const template = addGenerationPrompt === undefined ? {} : { template: { addGenerationPrompt } };
    return { id, category: 'short' as const, messages, ...template };
  };
  const prompts = [chat('default'), chat('with', true), chat('without', false)];
  const [byDefault, asked, refused] = await promptCases(
    modelDir,
    { prompts, maxNewTokens: 1 },
    { folder: temporaryFolder(t) },
  );
  t.is(byDefault.text, `${refused.text}<|im_start|>assistant\n`);
  t.is(asked.text, byDefault.text);
  t.true(refused.promptIds.length < asked.promptIds.length);
});

test('of texts and conversations only the tokens that they spell are prompts, whatever the tokenizer would add', async (t) => {
  const modelDir = join(temporaryFolder(t), 'dense');
  cpSync(await ensureFixture('dense'), modelDir, { recursive: true });
  addsSpecialToken(modelDir);
  const messages = [{ role: 'user', content: 'hi' }];
  const prompts = [
    { id: 'text', category: 'short' as const, text: 'hi' },
    { id: 'chat', category: 'short' as const, messages },
  ];
  const options = { folder: temporaryFolder(t) };
  const [text, chat] = await promptCases(modelDir, { prompts, maxNewTokens: 1 }, options);
  t.deepEqual([...text.promptIds], [...Buffer.from('hi')]);
  // Every special token of the text stands in it; the first would be there twice.
  t.is(chat.promptIds.filter((id) => id === START).length, chat.text!.split('<|im_start|>').length - 1);
});

test('an id outside the vocabulary is refused', async (t) => {
  const modelDir = await ensureFixture('dense');
  const prompts = [{ id: 'a', category: 'short' as const, ids: [384] }];
  await t.throwsAsync(promptCases(modelDir, { prompts, maxNewTokens: 1 }), {
    instanceOf: PromptError,
    message: /prompt "a": id 384 is outside the vocabulary/,
  });
});
