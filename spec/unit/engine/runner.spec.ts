import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { HEAD_ROWS } from '../../../engine/model/qwen3.ts';
import type { Generation } from '../../../engine/serving/generation.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { begin, createRunner, forward, IDS, noFork, VOCAB } from './tiny-runner.ts';

trackResources(test);

test('a step without sequences is not counted', (t) => {
  const runner = createRunner(t);
  t.deepEqual(runner.step(noFork), []);
  t.is(runner.stats().steps, 0);
});

test('a prompt is computed in chunks; the last chunk and every later step give a token', (t) => {
  const runner = createRunner(t, { prefillChunk: 4 });
  const [generation] = begin(runner);
  t.deepEqual(runner.step(noFork), []);
  const sequence = [...IDS];
  for (let i = 0; i < 3; i++) {
    const [{ generation: computed, events }, ...others] = runner.step(noFork);
    t.is(computed, generation);
    t.deepEqual(others, []);
    const { logits } = forward(createRunner(t), sequence, [sequence.length - 1]);
    t.deepEqual(events[0].logits, logits);
    sequence.push(events[0].token);
    t.deepEqual(generation.sequence.tokens, sequence);
  }
  t.deepEqual([runner.stats().steps, runner.stats().tokens], [4, 8]);
});

test('statistics count the sequences that wait, and do not change once they are taken', (t) => {
  const runner = createRunner(t, { maxBatch: 1 });
  const requests = [IDS, [1], [2]].map((ids) => begin(runner, { ids })[0]);
  const before = runner.stats();
  const stats = (running: number, waiting: number, free: number) => ({
    ...{ steps: running, tokens: running * IDS.length, running, waiting, preemptions: 0 },
    blocks: { total: 8, free, cached: running, evictions: 0, copies: 0 },
    prefixCache: { queries: running, hits: 0, savedTokens: 0 },
    promptLookup: { drafted: 0, accepted: 0 },
  });
  t.deepEqual(before, stats(0, 3, 8));
  runner.step(noFork);
  t.deepEqual(runner.stats(), stats(1, 2, 6));
  t.deepEqual(before, stats(0, 3, 8));
  for (const generation of requests) runner.remove(generation);
  t.like(runner.stats(), { running: 0, waiting: 0 });
});

test('a removed generation is not computed any more, and its blocks are free', (t) => {
  const runner = createRunner(t);
  const [generation] = begin(runner);
  runner.step(noFork);
  t.deepEqual([runner.stats().running, runner.stats().blocks.free], [1, 6]);
  runner.remove(generation);
  t.deepEqual([runner.stats().running, runner.stats().blocks.free], [0, 8]);
  t.deepEqual(runner.step(noFork), []);
});

test.serial('a removed generation is forgotten', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const runner = createRunner(t);
  const serve = () => {
    const [generation] = begin(runner, { maxNewTokens: 1 });
    runner.step(noFork);
    runner.remove(generation);
    return new WeakRef(generation);
  };
  const served = serve();
  // A WeakRef holds on until the current task is over.
  await setImmediate();
  collectGarbage();
  t.is(served.deref(), undefined);
  t.is(runner.stats().steps, 1);
});

test('the other samples are made once, at the end of the prompt, and sample from its logits', (t) => {
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
  const outputs = runner.step(fork);
  t.deepEqual(
    outputs.map(({ generation }) => generation),
    [first, ...others],
  );
  for (const { events } of outputs) t.deepEqual(events[0].logits, outputs[0].events[0].logits);
  t.is(runner.stats().blocks.free, 6, 'two blocks hold the prompt of all three');
  const next = runner.step(fork);
  t.is(next.length, 3);
  t.is(forks, 1);
  t.is(runner.stats().blocks.copies, 2);
  for (const { generation, events } of next) {
    const { tokens } = generation.sequence;
    const { logits } = forward(createRunner(t), tokens.slice(0, -1), [tokens.length - 2]);
    t.deepEqual(events[0].logits, logits);
  }
});

test('a step may need the logits of more rows than are computed at once', (t) => {
  const ids = Array.from({ length: 2 * HEAD_ROWS + 3 }, (_, i) => (i * i) % VOCAB);
  const runner = createRunner(t, { cacheTokens: 64 });
  const [generation] = begin(runner, { ids, maxNewTokens: 1, promptLogprobs: 1 });
  const [{ events }] = runner.step(noFork);
  const { logits } = forward(createRunner(t, { cacheTokens: 64 }), ids, [...ids.keys()]);
  t.deepEqual(events[0].logits, logits.slice(-VOCAB));
  const { promptLogprobs } = generation.result('length');
  t.is(promptLogprobs!.length, ids.length - 1);
  for (const [position, { top }] of promptLogprobs!.entries()) {
    const row = logits.subarray(position * VOCAB, (position + 1) * VOCAB);
    t.is(top[0].token, row.indexOf(Math.max(...row)), `position ${position}`);
  }
});

test('a request without new tokens ends with its prompt, without a token', (t) => {
  const runner = createRunner(t);
  const [generation] = begin(runner, { maxNewTokens: 0, promptLogprobs: 0 });
  t.deepEqual(runner.step(noFork), [{ generation, events: [] }]);
  t.is(generation.finishReason, 'length');
});

test('a preempted sequence is computed again, to the same bits', (t) => {
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

/** Greedy text that repeats a token, until its penalties make another one likelier. */
const REPEATING = { maxNewTokens: 20, logitBias: { 7: 100, 11: 95 }, frequencyPenalty: 0.5 };

test('drafts that are right give several tokens in a step, with the bits of one after the other', (t) => {
  const plain = createRunner(t, { cacheTokens: 64 });
  const [expected] = begin(plain, REPEATING);
  while (!expected.finishReason) plain.step(noFork);

  for (const [promptLookup, blockSize, numEvents] of [
    [4, 4, [1, 1, 1, 2, 3, 4, 5, 3]],
    [1, 1, [...new Array(18).fill(1), 2]],
  ] as const) {
    const runner = createRunner(t, { cacheTokens: 64, blockSize, promptLookup });
    const before = runner.stats();
    const [generation] = begin(runner, REPEATING, { promptLookup });
    const found: number[] = [];
    while (!generation.finishReason) {
      const [{ events }] = runner.step(noFork);
      found.push(events.length);
      const { numTokens } = generation.sequence;
      t.deepEqual(
        events.map(({ token }) => token),
        expected.sequence.tokens.slice(numTokens - events.length, numTokens),
      );
      const { total, free } = runner.stats().blocks;
      t.is(total - free, Math.ceil((numTokens - 1) / blockSize), 'a rejected token keeps a block');
    }
    const { promptLookup: counts, timing: _, ...bits } = generation.result('length');
    const { timing: __, ...expectedBits } = expected.result('length');
    t.deepEqual(bits, expectedBits);
    t.deepEqual(found, numEvents);
    t.deepEqual(runner.stats().promptLookup, counts!);
    t.is(runner.stats().tokens, 6 + found.length - 1 + counts!.drafted);
    t.deepEqual(before.promptLookup, { drafted: 0, accepted: 0 });
  }
});

test('a tokenizer that throws in the middle of a draft ends the request after the tokens before', (t) => {
  let pushed = 0;
  const tokenizer = {
    createStream: () => ({
      push(id: number) {
        if (++pushed === 7) throw new Error('no such token');
        return `${id} `;
      },
      end: () => '',
    }),
  };
  const runner = createRunner(t, { cacheTokens: 64, promptLookup: 4 });
  const [generation] = begin(runner, REPEATING, { promptLookup: 4, tokenizer });
  for (let i = 0; i < 4; i++) runner.step(noFork);
  const [{ events, failure }, ...others] = runner.step(noFork);
  t.deepEqual([events.map(({ text }) => text), others], [['7 '], []]);
  t.deepEqual(failure, { thrown: new Error('no such token') });
  t.is(generation.sequence.numNewTokens, 7);
});

test('the cache has whole blocks, free or not', (t) => {
  const runner = createRunner(t, { cacheTokens: 30 });
  begin(runner);
  runner.step(noFork);
  t.is(runner.cacheTokens, 32);
});
