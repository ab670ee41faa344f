import test from 'ava';
import { closeSharedModels, sharedModel } from '../../support/models/shared-model.ts';

test.after.always('the models are closed', closeSharedModels);

test('a model that is asked for twice, by any number of files, is loaded once', async (t) => {
  const first = await sharedModel('dense');
  t.is(await sharedModel('dense'), first);
  t.not(await sharedModel('moe'), first);
});
