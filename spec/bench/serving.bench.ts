import { rmSync } from 'node:fs';
import { Bench } from 'tinybench';
import { Engine } from '../../engine/engine.ts';
import type { GenerateRequest } from '../../engine/requests.ts';
import { writeGraphs } from '../../generator/graphs.ts';
import { Reference } from '../../generator/reference.ts';
import { type BenchResult, medianMs, throughput } from './result.ts';
import { writeZeroCheckpoint } from './shape.ts';

const BATCHES = [1, 2, 4, 8, 16];
const NEW_TOKENS = 16;
const PROMPT = 16;
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
      ids: promptOf(PROMPT, seed, vocabSize),
      maxNewTokens: NEW_TOKENS,
      ignoreEos: true,
    }));
  const bench = new Bench(OPTIONS);
  for (const batch of BATCHES) bench.add(`batch ${batch}`, () => run(engine, requests(batch)));
  const reference = await Reference.load(modelDir);
  bench.add('transformers.js', async () => {
    for (const { ids } of requests(8)) await reference.generate(ids, NEW_TOKENS);
  });
  await bench.run();
  engine.close();
  await reference.dispose();

  const alone = medianMs(bench, 'batch 1');
  const results = BATCHES.slice(1).map((batch) => {
    const name = `batch of ${batch} : batch of 1`;
    return throughput(name, 'tokens/s', batch * NEW_TOKENS, medianMs(bench, `batch ${batch}`), alone * batch);
  });
  const theirs = medianMs(bench, 'transformers.js');
  const ours = medianMs(bench, 'batch 8');
  results.push(
    throughput(`8 requests, engine : transformers.js in turn`, 'tokens/s', 8 * NEW_TOKENS, ours, theirs),
  );
  return results;
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
