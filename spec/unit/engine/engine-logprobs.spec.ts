import test from 'ava';
import { generateAll, generateOne, resultsOf } from '../../../verify/generate.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, loadEngine } from './tiny-models.ts';

trackResources(test);

const VOCAB = 19;
const IDS = [3, 0, 18, 7, 7, 11];
const REQUEST = { ids: IDS, maxNewTokens: 8 };

/** In float64, from a row of logits. */
function logprobOf(logits: Float32Array, token: number): number {
  const max = Math.max(...logits);
  return logits[token] - max - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
}
const ranked = (logits: Float32Array) => [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b);

test('log-probabilities are those of the returned logits, whatever the temperature', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const request = { ...REQUEST, returnLogits: true, logprobs: 3, temperature: 0.7, topK: 5, seed: 4 };
  const { result, events } = await generateOne(engine, request);
  t.is(result.logprobs!.length, 8);
  for (const [i, { token, logits, logprobs }] of events.entries()) {
    t.deepEqual(logprobs, result.logprobs![i]);
    t.is(logprobs!.token, token);
    t.true(Math.abs(logprobs!.logprob - logprobOf(logits!, token)) < 1e-12);
    t.deepEqual(
      logprobs!.top.map(({ token }) => token),
      ranked(logits!).slice(0, 3),
    );
    for (const { token, logprob } of logprobs!.top) {
      t.true(Math.abs(logprob - logprobOf(logits!, token)) < 1e-12);
    }
  }
});

test('log-probabilities of the prompt are those of a forward pass, cached or in chunks, without a new token', async (t) => {
  const { logits } = (await loadEngine(t, denseModel())).forward(IDS);
  for (const options of [{}, { prefillChunk: 2 }, { maxBatchTokens: 1, blockSize: 2 }]) {
    const engine = await loadEngine(t, denseModel(), options);
    await generateOne(engine, REQUEST);
    for (const maxNewTokens of [0, 3]) {
      const request = { ids: IDS, maxNewTokens, promptLogprobs: 2 };
      const { promptLogprobs, tokens, cachedTokens } = (await generateOne(engine, request)).result;
      t.deepEqual([tokens.length, promptLogprobs!.length, cachedTokens], [maxNewTokens, IDS.length - 1, 0]);
      for (const [position, { token, logprob, top }] of promptLogprobs!.entries()) {
        const row = logits.subarray(position * VOCAB, (position + 1) * VOCAB);
        t.is(token, IDS[position + 1]);
        t.true(Math.abs(logprob - logprobOf(row, token)) < 1e-12, `position ${position}: ${logprob}`);
        t.deepEqual(
          top.map(({ token }) => token),
          ranked(row).slice(0, 2),
        );
      }
    }
  }
  const engine = await loadEngine(t, denseModel());
  const samples = { ids: IDS, maxNewTokens: 2, temperature: 1, n: 3, promptLogprobs: 2 };
  const [[first, ...others]] = resultsOf(await generateAll(engine, [samples]));
  t.is(first.promptLogprobs!.length, IDS.length - 1);
  for (const { promptLogprobs } of others) t.deepEqual(promptLogprobs, first.promptLogprobs);
  const { result } = await generateOne(engine, { ids: [4], maxNewTokens: 1, promptLogprobs: 1 });
  t.deepEqual(result.promptLogprobs, []);
  const none = await generateOne(engine, { ids: IDS, maxNewTokens: 0, promptLogprobs: 0 });
  t.deepEqual(
    none.result.promptLogprobs,
    first.promptLogprobs!.map((each) => ({ ...each, top: [] })),
    'the tokens of the prompt alone',
  );
});
