import test from 'ava';
import { loadedModels, sharedModel } from '../support/shared-model.ts';

test('a model that is asked for twice, by any number of files, is loaded once', async (t) => {
  const [first, second] = [await sharedModel('dense'), await sharedModel('dense')];
  await first.forward([1, 2, 3], [2]);
  await second.forward([1, 2, 3], [2]);
  // Files running side by side load other models meanwhile.
  const loaded = await loadedModels();
  t.is(loaded.filter((modelDir) => modelDir === first.modelDir).length, 1);
});

test('what the shared model refuses is refused in the words of the engine', async (t) => {
  const model = await sharedModel('dense');
  await t.throwsAsync(() => model.forward([], []), { message: /the prompt is empty/ });
  await t.throwsAsync(() => model.generate([384], 1), { message: /id at position 0 is 384/ });
});
