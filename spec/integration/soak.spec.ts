import test from 'ava';
import { trackResources } from '../support/processes/cleanup.ts';
import { soak } from '../support/serving/soak.ts';

trackResources(test);

test('a hundred requests, some cancelled, are answered, and nothing of them is left', async (t) => {
  await soak(t, 100);
});
