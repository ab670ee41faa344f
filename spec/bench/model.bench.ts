import { Bench } from 'tinybench';
import { Engine } from '../../engine/engine.ts';
import { ensureFixture } from '../../generator/fixtures.ts';
import { Reference } from '../../generator/reference.ts';
import { type BenchResult, medianMs, throughput } from './result.ts';

const PREFILL = 512;
const DECODE = 32;

/**
 * Our engine against transformers.js on the same checkpoint, one thread each: time to first token of a long prompt,
 * and tokens per second after it.
 */
export async function benchModel(fixture: string): Promise<BenchResult[]> {
  const modelDir = await ensureFixture(fixture);
  // A prompt that is found in the prefix cache would not be computed.
  const engine = await Engine.load(modelDir, { prefixCaching: false });
  const reference = await Reference.load(modelDir);
  const prompt = Array.from({ length: PREFILL }, (_, i) => (i * 7919) % engine.config.vocabSize);
  const ours = (ids: number[], maxNewTokens: number) => async () => {
    for await (const _ of engine.generate([{ ids, maxNewTokens, ignoreEos: true }]));
  };
  const theirs = (ids: number[], maxNewTokens: number) => async () => {
    await reference.generate(ids, maxNewTokens);
  };
  const bench = new Bench({ time: 1000, warmupTime: 100, iterations: 3, warmupIterations: 1 });
  bench.add('prefill', ours(prompt, 1)).add('prefill, baseline', theirs(prompt, 1));
  bench.add('decode', ours([1, 2, 3], DECODE)).add('decode, baseline', theirs([1, 2, 3], DECODE));
  await bench.run();
  engine.close();
  await reference.dispose();
  const compare = (task: string, what: string, tokens: number) =>
    throughput(
      `${fixture}, ${what}`,
      'tokens/s',
      tokens,
      medianMs(bench, task),
      medianMs(bench, `${task}, baseline`),
    );
  return [
    compare('prefill', `prefill of ${PREFILL}, engine : transformers.js`, PREFILL),
    compare('decode', `decode of ${DECODE}, engine : transformers.js`, DECODE),
  ];
}
