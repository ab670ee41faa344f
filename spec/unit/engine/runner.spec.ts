import test, { type ExecutionContext } from 'ava';
import { createScalarKernels } from '../../../engine/kernels/scalar.ts';
import { KvCache } from '../../../engine/model/kv-cache.ts';
import { HEAD_ROWS, Qwen3 } from '../../../engine/model/qwen3.ts';
import { completeEngineOptions } from '../../../engine/options.ts';
import { Runner } from '../../../engine/runner.ts';
import { Generation } from '../../../engine/serving/generation.ts';
import type { EngineOptions, GenerateRequest } from '../../../engine/serving/requests.ts';
import { createSamplingScratch } from '../../../engine/serving/sampler.ts';
import { completeSamplingParams } from '../../../engine/serving/sampling-params.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from './tiny-models.ts';

trackResources(test);

const MODEL = denseModel();
const VOCAB = 19;
const IDS = [3, 0, 18, 7, 7, 11];
const noFork = () => [];

function createRunner(t: ExecutionContext, options: EngineOptions = {}): Runner {
  const complete = completeEngineOptions({ cacheTokens: 32, blockSize: 4, ...options }, MODEL.config);
  const { cacheTokens, blockSize, maxBatchTokens } = complete;
  const kernels = createScalarKernels();
  const cache = new KvCache(kernels, MODEL.config, {
    blockSize,
    numBlocks: Math.ceil(cacheTokens / blockSize),
  });
  const model = Qwen3.load(modelDirectory(t, MODEL), MODEL.config, kernels, cache, {
    maxRows: maxBatchTokens,
  });
  return new Runner(model, cache, complete);
}

/** Generations of a request, the first of which is added to the runner. */
function begin(runner: Runner, options: Partial<GenerateRequest> = {}): Generation[] {
  const request = { ids: IDS, maxNewTokens: 5, returnLogits: true, ...options };
  const params = completeSamplingParams(request, MODEL.config);
  const context = {
    index: 0,
    request,
    ids: request.ids,
    params,
    tokenizer: undefined,
    scratch: createSamplingScratch(VOCAB),
    begun: 0,
    promptLogprobs: [],
  };
  const generations = Array.from({ length: params.n }, (_, i) => new Generation(context, i, i));
  runner.add(generations[0]);
  return generations;
}

test('a step without anything to do is none', (t) => {
  const runner = createRunner(t);
  t.deepEqual(runner.step(noFork), []);
  t.is(runner.stats().steps, 0);
});

test('a prompt comes in chunks, and a token with the last of them and with every step then', (t) => {
  const runner = createRunner(t, { prefillChunk: 4 });
  const [generation] = begin(runner);
  t.deepEqual(runner.step(noFork), []);
  const sequence = [...IDS];
  for (let i = 0; i < 3; i++) {
    const [{ generation: advanced, event }, ...others] = runner.step(noFork);
    t.is(advanced, generation);
    t.deepEqual(others, []);
    const { logits } = createRunner(t).forward(sequence, [sequence.length - 1], {});
    t.deepEqual(event!.logits, logits);
    sequence.push(event!.token);
    t.deepEqual(generation.sequence.tokens, sequence);
  }
  t.deepEqual([runner.stats().steps, runner.stats().tokens], [4, 8]);
});

test('what is removed is not computed any more, and its blocks are free', (t) => {
  const runner = createRunner(t);
  const [generation] = begin(runner);
  runner.step(noFork);
  t.deepEqual([runner.stats().running, runner.stats().blocks.free], [1, 6]);
  runner.remove(generation);
  t.deepEqual([runner.stats().running, runner.stats().blocks.free], [0, 8]);
  t.deepEqual(runner.step(noFork), []);
});

test('further samples are made once, at the end of the prompt, and all choose from its logits', (t) => {
  const runner = createRunner(t, { prefillChunk: 4 });
  const [first, ...others] = begin(runner, { n: 3, temperature: 1 });
  let forks = 0;
  const fork = (generation: Generation) => {
    t.is(generation, first);
    forks++;
    return others;
  };
  runner.step(fork);
  t.is(forks, 0);
  const advances = runner.step(fork);
  t.deepEqual(
    advances.map(({ generation }) => generation),
    [first, ...others],
  );
  for (const { event } of advances) t.deepEqual(event!.logits, advances[0].event!.logits);
  t.is(runner.stats().blocks.free, 6, 'two blocks hold the prompt of all three');
  const next = runner.step(fork);
  t.is(next.length, 3);
  t.is(forks, 1);
  t.is(runner.stats().blocks.copies, 2);
  for (const { generation, event } of next) {
    const { tokens } = generation.sequence;
    const { logits } = createRunner(t).forward(tokens.slice(0, -1), [tokens.length - 2], {});
    t.deepEqual(event!.logits, logits);
  }
});

test('more rows can be wanted than go through the head at once', (t) => {
  const ids = Array.from({ length: 2 * HEAD_ROWS + 3 }, (_, i) => (i * i) % VOCAB);
  const runner = createRunner(t, { cacheTokens: 64 });
  const [generation] = begin(runner, { ids, maxNewTokens: 1, promptLogprobs: 1 });
  const [{ event }] = runner.step(noFork);
  const { logits } = createRunner(t, { cacheTokens: 64 }).forward(ids, [...ids.keys()], {});
  t.deepEqual(event!.logits, logits.slice(-VOCAB));
  const { promptLogprobs } = generation.result('length');
  t.is(promptLogprobs!.length, ids.length - 1);
  for (const [position, { top }] of promptLogprobs!.entries()) {
    const row = logits.subarray(position * VOCAB, (position + 1) * VOCAB);
    t.is(top[0].token, row.indexOf(Math.max(...row)), `position ${position}`);
  }
});

test('of a prompt without a wanted token there is an end without one', (t) => {
  const runner = createRunner(t);
  const [generation] = begin(runner, { maxNewTokens: 0, promptLogprobs: 0 });
  t.deepEqual(runner.step(noFork), [{ generation, event: undefined }]);
  t.is(generation.finishReason, 'length');
});

test('what was preempted is computed again, to the same bits', (t) => {
  const runner = createRunner(t, { cacheTokens: 16, blockSize: 2, prefixCaching: false });
  const plain = createRunner(t, { cacheTokens: 64 });
  const requests = [{ ids: IDS }, { ids: [1, 2, 5, 9], promptLogprobs: 1 }];
  const alone = requests.map((request) => {
    const [generation] = begin(plain, { ...request, maxNewTokens: 8 });
    while (!generation.finishReason) plain.step(noFork);
    plain.remove(generation);
    return generation.result('length');
  });
  const generations = requests.flatMap((request) => begin(runner, { ...request, maxNewTokens: 8 }));
  while (generations.some(({ finishReason }) => !finishReason)) {
    for (const { generation } of runner.step(noFork)) if (generation.finishReason) runner.remove(generation);
  }
  t.true(runner.stats().preemptions > 0);
  for (const [i, generation] of generations.entries()) {
    const { fingerprint, promptLogprobs } = generation.result('length');
    t.deepEqual([fingerprint, promptLogprobs], [alone[i].fingerprint, alone[i].promptLogprobs]);
  }
});

test('a prompt and its continuation fit if the whole cache would hold them', (t) => {
  const runner = createRunner(t);
  begin(runner);
  runner.step(noFork);
  t.true(runner.fits(32));
  t.false(runner.fits(33));
});

test('a pass over a prompt takes no more blocks than are free, and gives them back', (t) => {
  const runner = createRunner(t, { prefillChunk: 5 });
  begin(runner);
  runner.step(noFork);
  runner.step(noFork);
  const free = 32 - 8;
  t.is(runner.forward(new Array(free).fill(1), [0, 23], {}).logits.length, 2 * VOCAB);
  t.throws(() => runner.forward(new Array(free + 1).fill(1), [], {}), {
    message:
      'the prompt has 25 tokens; the cache has 24 positions left: raise cacheTokens, or wait until others have ended',
  });
  t.is(runner.stats().blocks.free, 6);
  t.is(runner.stats().tokens, 6, 'passes by themselves are no steps');
});

test('no chunk of a pass is longer than a step may be', (t) => {
  const rows: number[] = [];
  const observe = (stage: string, values: Float32Array) => {
    if (stage === 'hidden_states.0') rows.push(values.length / 13);
  };
  createRunner(t, { maxBatchTokens: 4, prefillChunk: 5 }).forward(IDS, [], { observe });
  createRunner(t, { maxBatchTokens: 5, prefillChunk: 2 }).forward(IDS, [], { observe });
  t.deepEqual(rows, [4, 2, 2, 2, 2]);
});
