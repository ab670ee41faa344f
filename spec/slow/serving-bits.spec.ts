import test from 'ava';
import { trackResources } from '../support/processes/cleanup.ts';
import { holdServingBits } from '../support/serving/serving-counts.ts';

trackResources(test);

test('thousands of random workloads change no bit of any request', async (t) => {
  await holdServingBits(t, 2000);
});
