import test from 'ava';
import { PromptError } from '../../../../engine/errors.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { readCase, readPrompts } from '../../../../golden/goldens.ts';
import { promptCases } from '../../../../verify/cases/prompt-cases.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

test('our engine continues prompts as the goldens say', async (t) => {
  const modelDir = await ensureFixture('dense');
  const { prompts } = readPrompts();
  const chosen = prompts.filter(({ id }) => ['ids-short', 'ids-longer', 'ids-empty'].includes(id));
  const told: string[] = [];
  const cases = await promptCases(
    modelDir,
    { prompts: chosen, maxNewTokens: 16 },
    { onCase: (id, done, of) => told.push(`${id}, ${done} of ${of}`) },
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
  t.is(told.length, 2);
  t.regex(told[0], /^ids-(longer|short), 1 of 2$/);
  t.regex(told[1], /, 2 of 2$/);
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

test('an id outside the vocabulary is refused', async (t) => {
  const modelDir = await ensureFixture('dense');
  const prompts = [{ id: 'a', category: 'short' as const, ids: [384] }];
  await t.throwsAsync(promptCases(modelDir, { prompts, maxNewTokens: 1 }), {
    instanceOf: PromptError,
    message: /prompt "a": id 384 is outside the vocabulary/,
  });
});
