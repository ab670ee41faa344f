import test from 'ava';
import { trackResources } from '../support/cleanup.ts';
import { soak } from '../support/soak.ts';

trackResources(test);

test('a thousand requests, some cancelled, are answered, and nothing of them is left', async (t) => {
  await soak(t, 1000);
});
