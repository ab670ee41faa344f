import test from 'ava';
import { trackResources } from '../support/processes/cleanup.ts';
import { holdToOracle } from './against-oracle.ts';

trackResources(test);

test('logits, hidden states and greedy tokens of any model are those of the formulae in float64', async (t) => {
  await holdToOracle(t, 100);
});
