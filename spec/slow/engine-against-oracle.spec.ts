import test from 'ava';
import { holdToOracle } from '../property/against-oracle.ts';
import { trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

test('logits, hidden states and greedy tokens of thousands of models are those of the formulae', async (t) => {
  await holdToOracle(t, 4000);
});
