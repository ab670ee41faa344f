import { alternate } from '../alternate.ts';
import {
  type BenchContext,
  joined,
  peerSettings,
  type SuiteResult,
  skippedTask,
  withPeers,
} from '../context.ts';
import type { Measurement } from '../figure.ts';
import type { PeerProcess } from '../peers/process.ts';
import type { BatchTiming } from '../peers/timing.ts';
import { leastStepMs } from '../work.ts';
import { seededPrompt } from '../workload.ts';

/** Blocks are not filled to their end. */
const ROOM = 32;

type Call = (peer: PeerProcess) => Promise<BatchTiming>;

/** Time to first token and per token at several batch sizes, and how fast a long prompt is read. */
export async function latency(context: BenchContext): Promise<SuiteResult> {
  const { prefillTokens, batches, promptTokens, newTokens } = context.profile.latency;
  const maxBatch = Math.max(...batches);
  // Apart from the batches: a peer that divides its cache evenly among its sequences would need far more.
  const alone = { cacheTokens: Math.max(...prefillTokens) + 1 + ROOM, maxBatch: 1 };
  const together = { cacheTokens: maxBatch * (promptTokens + newTokens + ROOM), maxBatch };
  const long = await withPeers(context, context.subjects, peerSettings(context, alone), async (peers) => {
    const parts = [];
    for (const numTokens of prefillTokens) parts.push(await prefill(context, peers, numTokens));
    return joined(parts);
  });
  const subjects = context.subjects.filter((id) => !long.skipped.some(({ subject }) => subject === id));
  const short = await withPeers(context, subjects, peerSettings(context, together), async (peers) => {
    const parts = [];
    for (const batch of batches) parts.push(await decode(context, peers, batch));
    return joined(parts);
  });
  return joined([long, short]);
}

async function prefill(
  context: BenchContext,
  peers: readonly PeerProcess[],
  numTokens: number,
): Promise<SuiteResult> {
  const task = `prefill of ${numTokens} tokens`;
  const prompt = seededPrompt(numTokens, context.config.vocabSize, 'prefill');
  const { results, failures } = await measure(context, peers, task, {
    // A long prompt takes a while, and warms up nothing that a short one does not.
    warmUp: (peer) => peer.batch([prompt.slice(0, context.profile.latency.prefillTokens[0])], 1),
    run: (peer) => peer.batch([prompt], 1),
  });
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
  const { results, failures } = await measure(context, peers, task, {
    run: (peer) => peer.batch(prompts, newTokens),
  });
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
  { run, warmUp = run }: Record<'run', Call> & Partial<Record<'warmUp', Call>>,
) {
  const contenders = peers.map((peer) => ({
    name: peer.title,
    warmUp: () => warmUp(peer),
    run: () => {
      report(`latency: ${task}, ${peer.title}`);
      return run(peer);
    },
  }));
  return alternate(contenders, { rounds: profile.rounds, maxMs: profile.maxTaskMs });
}
