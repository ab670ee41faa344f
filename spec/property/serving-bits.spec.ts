import test from 'ava';
import { Engine } from '../../engine/engine.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { serve } from '../support/serving/serving.ts';
import { holdServingBits } from '../support/serving/serving-counts.ts';
import { holdWorkloadsToAlone } from '../support/serving/serving-workloads.ts';
import { denseModel, loadEngine } from '../unit/engine/tiny-models.ts';

trackResources(test);

test('a request has the same bits as alone, beside any other requests and in any order of steps', async (t) => {
  await holdServingBits(t, 80);
});

test('a failure comes as the smallest workload that shows it, ready to be pasted as a test', async (t) => {
  // An engine in which the second sequence of a step would be numbered wrongly: two requests are needed.
  const wrong: typeof Engine.load = async (dir, options) => {
    const engine = await Engine.load(dir, options);
    const generate = engine.generate.bind(engine);
    engine.generate = async function* (requests) {
      for await (const event of generate(requests)) {
        if (event.type === 'result' && event.request === 1) event.result.tokens.push(0);
        yield event;
      }
    };
    return engine;
  };
  const error = await t.throwsAsync(() =>
    holdWorkloadsToAlone(temporaryFolder(t), { seed: 20261122, numRuns: 20 }, wrong),
  );
  const lines = error!.message.split('\n');
  t.regex(lines[0], /request 1, sample 0: (tokens|cancelled)/);
  t.is(lines.filter((line) => line.includes('ids: [')).length, 2, error!.message);
  t.regex(error!.message, /model: makeModel\(\{.*\}, '\w+', \d+\),\n {4}settings: \{ blockSize: \d+, /);
  t.log(error!.message);
});

test('preemption changes nothing in the log-probabilities of a prompt, for any sample', async (t) => {
  const request = { ids: [3, 0], maxNewTokens: 3, temperature: 0.5, n: 2, promptLogprobs: 0 };
  const roomy = await loadEngine(t, denseModel());
  const cramped = await loadEngine(t, denseModel(), { blockSize: 1, cacheTokens: 5 });
  const [whole, preempted] = [await serve(roomy, [request]), await serve(cramped, [request])];
  t.deepEqual(preempted[0][1].promptLogprobs, whole[0][1].promptLogprobs);
});
