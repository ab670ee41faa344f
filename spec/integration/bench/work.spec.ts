import test from 'ava';
import fc from 'fast-check';
import { parseModelConfig } from '../../../engine/config.ts';
import { FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';
import { leastStepMs, stepFlops, weightBytes } from '../../bench/work.ts';
import { burst, poisson, seededPrompt } from '../../bench/workload.ts';

const untied = parseModelConfig(FIXTURES.dense.config);
const tied = parseModelConfig(FIXTURES['dense-bf16'].config);

test('the weights of a step are all matrices and norms in two bytes, the head once and no embedding beside it', (t) => {
  // hidden 64, q 96, kv 48, intermediate 152, head dimension 24, three layers, 384 ids.
  const layer = 64 * 96 * 2 + 2 * 64 * 48 + 3 * 64 * 152 + 2 * 64 + 2 * 24;
  t.is(weightBytes(untied), 2 * (3 * layer + 64 + 384 * 64));
  t.is(weightBytes({ ...untied, tieWordEmbeddings: true }), weightBytes(untied));
});

test('a step takes two operations for each weight a row meets, four for each dimension it attends to', (t) => {
  const one = stepFlops(untied, [{ rows: 1, past: 0 }]);
  // One row that sees itself alone: 4 heads of 24 in 3 layers.
  t.is(one, weightBytes(untied) + 4 * 3 * 4 * 24);
  // Ten more positions to see.
  t.is(stepFlops(untied, [{ rows: 1, past: 10 }]) - one, 10 * 4 * 3 * 4 * 24);
  // A second row goes through the layers and not through the head; it sees two positions.
  t.is(
    stepFlops(untied, [{ rows: 2, past: 0 }]) - one,
    weightBytes(untied) - 2 * 384 * 64 + 2 * 4 * 3 * 4 * 24,
  );
  t.is(
    stepFlops(untied, [
      { rows: 1, past: 0 },
      { rows: 1, past: 0 },
    ]),
    2 * one,
  );
});

test('a chunked prompt takes as much arithmetic as a whole one, but for the rows of the head', (t) => {
  const head = 2 * tied.vocabSize * tied.hiddenSize;
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 500 }), fc.nat(), (length, at) => {
      const first = 1 + (at % (length - 1));
      const chunks = stepFlops(tied, [
        { rows: first, past: 0 },
        { rows: length - first, past: first },
      ]);
      t.is(chunks - head, stepFlops(tied, [{ rows: length, past: 0 }]));
    }),
    { seed: 20261122, numRuns: 50 },
  );
});

test('a step takes at least what reading its weights takes, or its arithmetic', (t) => {
  const step = [{ rows: 1, past: 0 }];
  const slowMemory = { bytesPerSecond: weightBytes(tied), flopsPerSecond: 1e30 };
  t.is(leastStepMs(tied, step, slowMemory), 1000);
  const slowArithmetic = { bytesPerSecond: 1e30, flopsPerSecond: stepFlops(tied, step) };
  t.is(leastStepMs(tied, step, slowArithmetic), 1000);
});

const options = {
  seed: 'spec',
  count: 400,
  vocabSize: 50,
  promptTokens: [3, 9],
  newTokens: [1, 4],
} as const;

test('a burst comes at once, with prompts and continuations of all lengths that it may have', (t) => {
  const requests = burst(options);
  t.deepEqual(requests, burst(options), 'the same every time');
  t.notDeepEqual(requests, burst({ ...options, seed: 'another' }));
  t.true(requests.every(({ atMs }) => atMs === 0));
  const lengths = (of: (request: (typeof requests)[number]) => number) =>
    [...new Set(requests.map(of))].sort((a, b) => a - b);
  t.deepEqual(
    lengths(({ ids }) => ids.length),
    [3, 4, 5, 6, 7, 8, 9],
  );
  t.deepEqual(
    lengths(({ maxNewTokens }) => maxNewTokens),
    [1, 2, 3, 4],
  );
  t.true(requests.every(({ ids }) => ids.every((id) => Number.isInteger(id) && id >= 0 && id < 50)));
});

test('a Poisson stream brings the same requests in order, at the rate asked for, with exponential gaps', (t) => {
  const requests = poisson(options, 20);
  t.deepEqual(
    requests.map(({ ids, maxNewTokens }) => ({ ids, maxNewTokens, atMs: 0 })),
    burst(options),
  );
  const gaps = requests.map(({ atMs }, i) => atMs - (requests[i - 1]?.atMs ?? 0));
  t.true(gaps.every((gap) => gap >= 0 && Number.isFinite(gap)));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  // Four standard errors of an exponential's mean.
  t.true(Math.abs(mean - 50) < (4 * 50) / Math.sqrt(gaps.length), `mean ${mean}`);
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  t.true(Math.abs(deviation / mean - 1) < 0.2, `as spread as long: ${deviation / mean}`);
});

test('a seed makes a prompt', (t) => {
  t.deepEqual(seededPrompt(5, 100, 'a'), seededPrompt(5, 100, 'a'));
  t.notDeepEqual(seededPrompt(5, 100, 'a'), seededPrompt(5, 100, 'b'));
});
