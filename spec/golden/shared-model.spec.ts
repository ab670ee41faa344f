import test from 'ava';
import { loadedModels, sharedModel } from '../support/models/shared-model.ts';

test('a model that is asked for twice, by any number of files, is loaded once', async (t) => {
  const [first, second] = [await sharedModel('dense'), await sharedModel('dense')];
  await first.forward({ ids: [1, 2, 3], positions: [2] });
  await second.forward({ ids: [1, 2, 3], positions: [2] });
  // Files running side by side load other models meanwhile.
  const loaded = await loadedModels();
  t.is(loaded.filter((modelDir) => modelDir === first.modelDir).length, 1);
});

test('a request that the subject refuses is refused across threads, with its own message', async (t) => {
  const model = await sharedModel('dense');
  const error = await t.throwsAsync(() => model.generate({ ids: [], maxNewTokens: 1 }));
  if (!process.env.SUBJECT) t.regex(error.message, /the prompt is empty/);
});
