import test from 'ava';
import { usageOf, usageSoFar } from '../../../../engine/server/usage.ts';

test('the tokens of a prompt count once, those of all its samples count', (t) => {
  const sample = (promptTokens: number, cachedTokens: number, length: number) => ({
    ...{ promptTokens, cachedTokens },
    tokens: { length },
  });
  t.deepEqual(usageOf([[sample(5, 4, 2), sample(5, 4, 3)], [sample(7, 0, 1)]]), {
    ...{ prompt_tokens: 12, completion_tokens: 6, total_tokens: 18 },
    prompt_tokens_details: { cached_tokens: 4 },
  });
});

test('a choice that goes on has used its prompt and its tokens', (t) => {
  const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
  t.deepEqual(usageSoFar(5, 2), usage);
});

test('drafted tokens are counted as accepted or rejected predictions, of all samples', (t) => {
  const sample = (drafted: number, accepted: number) => ({
    ...{ promptTokens: 2, cachedTokens: 0, tokens: { length: 9 } },
    promptLookup: { drafted, accepted },
  });
  t.deepEqual(usageOf([[sample(8, 5), sample(3, 0)], [sample(0, 0)]]).completion_tokens_details, {
    accepted_prediction_tokens: 5,
    rejected_prediction_tokens: 6,
  });
});
