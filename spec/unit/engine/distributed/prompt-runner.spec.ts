import test from 'ava';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { begin, createRunner, forward, IDS, noFork, VOCAB } from '../tiny-runner.ts';

trackResources(test);

test('a forward pass takes no more blocks than are free, and releases them', (t) => {
  const runner = createRunner(t, { prefillChunk: 5 });
  begin(runner);
  runner.step(noFork);
  runner.step(noFork);
  const free = 32 - 8;
  t.is(forward(runner, new Array(free).fill(1), [0, 23]).logits.length, 2 * VOCAB);
  t.throws(() => forward(runner, new Array(free + 1).fill(1), []), {
    message:
      'the prompt has 25 tokens; the cache has 24 free positions: raise cacheTokens, or wait until other requests have ended',
  });
  t.is(runner.stats().blocks.free, 6);
  t.is(runner.stats().tokens, 6, 'forward passes are not counted as steps');
});

test('no chunk of a forward pass is longer than a step may be', (t) => {
  const rows: number[] = [];
  const observe = (stage: string, values: Float32Array) => {
    if (stage === 'hidden_states.0') rows.push(values.length / 13);
  };
  forward(createRunner(t, { maxBatchTokens: 4, prefillChunk: 5 }), IDS, [], observe);
  forward(createRunner(t, { maxBatchTokens: 5, prefillChunk: 2 }), IDS, [], observe);
  t.deepEqual(rows, [4, 2, 2, 2, 2]);
});

test('the error of an observer is thrown, whatever it is, and no stage is observed after it', (t) => {
  const runner = createRunner(t, { prefillChunk: 2 });
  // Longer than the cache, which only a later chunk would find.
  const ids = new Array(33).fill(1);
  for (const thrown of [new Error('of the observer'), undefined, 0]) {
    const stages: string[] = [];
    const observe = (stage: string) => {
      stages.push(stage);
      throw thrown;
    };
    let caught: unknown = 'nothing was thrown';
    try {
      forward(runner, ids, [0], observe);
    } catch (error) {
      caught = error;
    }
    t.is(caught, thrown);
    t.deepEqual(stages, ['hidden_states.0']);
    t.is(runner.stats().blocks.free, 8);
  }
});
