import { alternate } from '../alternate.ts';
import { type BenchContext, peerSettings, type SuiteResult, skippedTask, withPeers } from '../context.ts';
import type { Measurement } from '../figure.ts';
import type { PeerProcess } from '../peers/process.ts';
import type { BatchTiming } from '../peers/timing.ts';
import { leastStepMs } from '../work.ts';
import { seededPrompt } from '../workload.ts';

/** Blocks are not filled to their end. */
const ROOM = 32;

/** Time to first token and per token at several batch sizes, and how fast a long prompt is read. */
export async function latency(context: BenchContext): Promise<SuiteResult> {
  const { prefillTokens, batches, promptTokens, newTokens } = context.profile.latency;
  const maxBatch = Math.max(...batches);
  const perSequence = Math.max(promptTokens + newTokens, prefillTokens + 1) + ROOM;
  const settings = peerSettings(context, { cacheTokens: maxBatch * perSequence, maxBatch });
  return await withPeers(context, context.subjects, settings, async (peers) => {
    const result: SuiteResult = { measurements: [], skipped: [] };
    const add = (part: SuiteResult) => {
      result.measurements.push(...part.measurements);
      result.skipped.push(...part.skipped);
    };
    add(await prefill(context, peers, prefillTokens));
    for (const batch of batches) add(await decode(context, peers, batch));
    return result;
  });
}

async function prefill(
  context: BenchContext,
  peers: readonly PeerProcess[],
  numTokens: number,
): Promise<SuiteResult> {
  const task = `prefill of ${numTokens} tokens`;
  const prompts = [seededPrompt(numTokens, context.config.vocabSize, 'prefill')];
  const { results, failures } = await measure(context, peers, task, (peer) => peer.batch(prompts, 1));
  const least = leastStepMs(context.config, [{ rows: numTokens, past: 0 }], context.limits);
  const limit = { value: (1000 * numTokens) / least, from: 'arithmetic' };
  const measurements = [...results].map(
    ([subject, timings]): Measurement => ({
      task,
      subject,
      unit: 'tokens/s',
      better: 'higher',
      samples: timings.map(({ firstTokenMs }) => (1000 * numTokens) / firstTokenMs),
      limit,
    }),
  );
  return { measurements, skipped: skippedTask(task, failures) };
}

async function decode(
  context: BenchContext,
  peers: readonly PeerProcess[],
  batch: number,
): Promise<SuiteResult> {
  const { config, limits } = context;
  const { promptTokens, newTokens } = context.profile.latency;
  const prompts = Array.from({ length: batch }, (_, i) =>
    seededPrompt(promptTokens, config.vocabSize, `batch ${batch}, prompt ${i}`),
  );
  const task = `batch ${batch}`;
  const { results, failures } = await measure(context, peers, task, (peer) => peer.batch(prompts, newTokens));
  const step = (rows: number, past: number) =>
    leastStepMs(
      config,
      prompts.map(() => ({ rows, past })),
      limits,
    );
  const kinds: { name: string; least: number; of: (timing: BatchTiming) => number }[] = [
    { name: 'time to first token', least: step(promptTokens, 0), of: ({ firstTokenMs }) => firstTokenMs },
    {
      name: 'time per token',
      least: step(1, promptTokens + Math.floor(newTokens / 2)),
      of: ({ firstTokenMs, totalMs }) => (totalMs - firstTokenMs) / (newTokens - 1),
    },
  ];
  const measurements = kinds.flatMap(({ name, least, of }) =>
    [...results].map(
      ([subject, timings]): Measurement => ({
        task: name,
        variant: `batch ${batch}`,
        subject,
        unit: 'ms',
        better: 'lower',
        samples: timings.map(of),
        limit: { value: least, from: 'weights read once or arithmetic' },
      }),
    ),
  );
  return { measurements, skipped: skippedTask(task, failures) };
}

function measure(
  { profile, report }: BenchContext,
  peers: readonly PeerProcess[],
  task: string,
  run: (peer: PeerProcess) => Promise<BatchTiming>,
) {
  const contenders = peers.map((peer) => ({
    name: peer.title,
    run: () => {
      report(`latency: ${task}, ${peer.title}`);
      return run(peer);
    },
  }));
  return alternate(contenders, { rounds: profile.rounds, maxMs: profile.maxTaskMs });
}
