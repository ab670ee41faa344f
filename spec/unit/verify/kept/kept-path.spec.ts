import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { keptPath } from '../../../../verify/kept/kept-path.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('a result is kept by its model and its question, wherever the model lies', async (t) => {
  const [folder, a, b] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
  for (const modelDir of [a, b]) writeFileSync(join(modelDir, 'config.json'), '{}');
  const path = (modelDir: string, question: unknown) =>
    keptPath({ modelDir, question, extension: '.json', folder });
  const first = await path(a, { ids: [1] });
  t.true(first.startsWith(folder));
  t.regex(first, /[/\\][0-9a-f]{32}\.json$/);
  t.is(await path(b, { ids: [1] }), first);
  writeFileSync(join(b, 'config.json'), '[]');
  t.is(new Set([first, await path(a, { ids: [2] }), await path(b, { ids: [1] })]).size, 3);
});
