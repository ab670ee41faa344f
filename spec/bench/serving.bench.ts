import { rmSync } from 'node:fs';
import { Bench } from 'tinybench';
import { Engine } from '../../engine/engine.ts';
import type { GenerateRequest } from '../../engine/requests.ts';
import { BlockManager } from '../../engine/serving/block-manager.ts';
import { Scheduler } from '../../engine/serving/scheduler.ts';
import { Sequence } from '../../engine/serving/sequence.ts';
import { writeGraphs } from '../../generator/graphs.ts';
import { Reference } from '../../generator/reference.ts';
import { loadBatchReference } from './batch-reference.ts';
import { type BenchResult, medianMs, throughput } from './result.ts';
import { writeZeroCheckpoint } from './shape.ts';

const BATCHES = [1, 2, 4, 8, 16];
/** The batch that the others are compared at. */
const BATCH = 8;
const NEW_TOKENS = 16;
const LONG_PROMPT = 512;

const OPTIONS = { time: 800, warmupTime: 100, iterations: 3, warmupIterations: 1 };

/** A prompt of its own for each seed. */
const promptOf = (length: number, seed: number, vocabSize: number) =>
  Array.from({ length }, (_, i) => (i * 7919 + seed * 104729) % vocabSize);

/**
 * Continuous batching: tokens per second of several requests at once against one, and against transformers.js doing
 * the same requests one after the other; time to first token with a prefix hit against without.
 */
export async function benchServing(): Promise<BenchResult[]> {
  const modelDir = writeZeroCheckpoint();
  try {
    await writeGraphs(modelDir);
    return [...(await benchBatches(modelDir)), await benchPrefix(modelDir)];
  } finally {
    rmSync(modelDir, { recursive: true });
  }
}

async function benchBatches(modelDir: string): Promise<BenchResult[]> {
  const engine = await Engine.load(modelDir, { prefixCaching: false });
  const { vocabSize } = engine.config;
  const requests = (count: number): GenerateRequest[] =>
    Array.from({ length: count }, (_, seed) => ({
      // Of one token, so that what is measured is decoding.
      ids: promptOf(1, seed, vocabSize),
      maxNewTokens: NEW_TOKENS,
      ignoreEos: true,
    }));
  const bench = new Bench(OPTIONS);
  for (const batch of BATCHES) bench.add(`batch ${batch}`, () => run(engine, requests(batch)));
  const reference = await Reference.load(modelDir);
  bench.add('transformers.js', async () => {
    for (const { ids } of requests(BATCH)) await reference.generate(ids, NEW_TOKENS);
  });
  const batched = await loadBatchReference(modelDir);
  bench.add('transformers.js, batched', () =>
    batched.generate(
      requests(BATCH).map(({ ids }) => ids),
      NEW_TOKENS,
    ),
  );
  await bench.run();
  engine.close();
  await reference.dispose();
  await batched.dispose();

  const alone = medianMs(bench, 'batch 1');
  const results = BATCHES.slice(1).map((batch) => {
    const name = `batch of ${batch} : batch of 1`;
    return throughput(name, 'tokens/s', batch * NEW_TOKENS, medianMs(bench, `batch ${batch}`), alone * batch);
  });
  const ours = medianMs(bench, `batch ${BATCH}`);
  for (const [task, how] of [
    ['transformers.js', 'in turn'],
    ['transformers.js, batched', 'in one batch'],
  ]) {
    const name = `${BATCH} requests, engine : transformers.js ${how}`;
    results.push(throughput(name, 'tokens/s', BATCH * NEW_TOKENS, ours, medianMs(bench, task)));
  }
  results.push(benchScheduling(ours / NEW_TOKENS));
  return results;
}

/** What scheduling takes of a step of {@link BATCH} sequences that decode. */
function benchScheduling(stepMs: number): BenchResult {
  const blocks = new BlockManager({ numBlocks: 1024, blockSize: 16 });
  const scheduler = new Scheduler({ maxBatch: BATCH, maxBatchTokens: 256, prefillChunk: 128 }, blocks);
  for (let id = 0; id < BATCH; id++) {
    scheduler.add(new Sequence(id, { promptLogprobs: undefined }, promptOf(64, id, 1000)));
  }
  const steps = 1000;
  const begin = performance.now();
  for (let step = 0; step < steps; step++) {
    for (const { sequence, numTokens } of scheduler.schedule().spans) {
      blocks.commit(sequence, numTokens);
      sequence.append(step);
    }
  }
  const schedulingMs = (performance.now() - begin) / steps;
  const name = `scheduling, part of a step of ${BATCH}`;
  return { name, unit: 'ms', subject: schedulingMs, baseline: stepMs, ratio: schedulingMs / stepMs };
}

/** Time to first token of a prompt whose beginning another request had. */
async function benchPrefix(modelDir: string): Promise<BenchResult> {
  const [warm, cold] = await Promise.all(
    [true, false].map((prefixCaching) => Engine.load(modelDir, { prefixCaching })),
  );
  const request = { ids: promptOf(LONG_PROMPT, 1, warm.config.vocabSize), maxNewTokens: 1, ignoreEos: true };
  await run(warm, [request]);
  const bench = new Bench(OPTIONS);
  bench.add('hit', () => run(warm, [request])).add('miss', () => run(cold, [request]));
  await bench.run();
  warm.close();
  cold.close();
  const name = `first token of ${LONG_PROMPT}, prefix hit : miss`;
  return throughput(name, '1/s', 1, medianMs(bench, 'hit'), medianMs(bench, 'miss'));
}

async function run(engine: Engine, requests: GenerateRequest[]): Promise<void> {
  for await (const event of engine.generate(requests)) if (event.type === 'error') throw event.error;
}
