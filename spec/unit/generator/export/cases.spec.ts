import test from 'ava';
import { type ExportCasesOptions, exportCases } from '../../../../generator/export/cases.ts';
import { dumpCases } from '../../../../golden/dump-layout.ts';
import { GOLDEN_FOLDER, goldenModels, readPrompts } from '../../../../golden/goldens.ts';
import type { Prompts } from '../../../../golden/schema.ts';
import { storedCases } from '../../../../golden/verify-case.ts';

const folder = GOLDEN_FOLDER;
const PROMPTS: Prompts = { maxNewTokens: 2, prompts: [{ id: 'mine', category: 'short', ids: [1, 2] }] };
const CASE = { id: 'mine', promptIds: [1, 2], greedy: [3, 4], positions: [0, 1] };

/** Cases of a model; prompts become {@link CASE}, and it returns the prompts as well. */
async function casesOf(model: string, options: Partial<ExportCasesOptions> = {}) {
  const asked: (readonly [modelDir: string, prompts: Prompts])[] = [];
  const cases = await exportCases({
    ...{ model, modelDir: model, name: model, folder },
    promptCases: async (modelDir, prompts, { onCase }) => {
      asked.push([modelDir, prompts]);
      onCase?.('mine');
      return [CASE];
    },
    ...options,
  });
  return { cases, asked };
}

test('the exported cases of every fixture are those that the judge asks', async (t) => {
  const models = goldenModels();
  t.true(models.length > 3);
  for (const model of models) {
    const stored = storedCases(model, readPrompts(folder, model).prompts);
    t.deepEqual(await casesOf(model), { cases: dumpCases(model, stored), asked: [] }, model);
  }
});

test("a directory has cases of the project's prompts, even with the name of a fixture", async (t) => {
  const continued: string[] = [];
  const onCase = (id: string) => continued.push(id);
  const { cases, asked } = await casesOf('./dense', { name: 'dense', onCase });
  t.deepEqual(asked, [['./dense', readPrompts()]]);
  t.deepEqual(cases, dumpCases('./dense', [CASE]));
  t.deepEqual(continued, ['mine']);
});

test("the user's own prompts take the place of stored cases", async (t) => {
  const { asked } = await casesOf('dense', { prompts: PROMPTS });
  t.deepEqual(asked, [['dense', PROMPTS]]);
});
