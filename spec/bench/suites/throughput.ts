import { alternate } from '../alternate.ts';
import { type BenchContext, peerSettings, type SuiteResult, skippedTask, withPeers } from '../context.ts';
import type { Measurement } from '../figure.ts';
import type { PeerProcess } from '../peers/process.ts';
import type { ServiceTiming } from '../peers/timing.ts';
import { quantile } from '../statistics.ts';
import { stepFlops, weightBytes } from '../work.ts';
import { type Arrival, burst, poisson, seededPrompt, type WorkloadOptions } from '../workload.ts';

const MAX_BATCH = 8;

/** Peers that serve requests. One that takes a request at a time, in our loop, would measure nothing new. */
const SERVERS = ['plumbline', 'transformers.js', 'node-llama-cpp'];

/** Continuous batching: requests of different lengths that come all at once, and as a Poisson stream. */
export async function throughput(context: BenchContext): Promise<SuiteResult> {
  const { requests, promptTokens, newTokens, perSecond } = context.profile.throughput;
  const { vocabSize } = context.config;
  const options: WorkloadOptions = {
    seed: 'throughput',
    count: requests,
    vocabSize,
    promptTokens,
    newTokens,
  };
  const streams = {
    [`burst of ${requests} requests`]: burst(options),
    [`${requests} requests at ${perSecond}/s`]: poisson(options, perSecond),
  };
  const perSequence = promptTokens[1] + newTokens[1] + 1;
  const settings = peerSettings(context, { cacheTokens: MAX_BATCH * perSequence, maxBatch: MAX_BATCH });
  const ids = context.subjects.filter((id) => SERVERS.includes(id));
  return await withPeers(context, ids, settings, async (peers) => {
    const result: SuiteResult = { measurements: [], skipped: [] };
    for (const [name, arrivals] of Object.entries(streams)) {
      const part = await serve(context, peers, name, arrivals);
      result.measurements.push(...part.measurements);
      result.skipped.push(...part.skipped);
    }
    return result;
  });
}

async function serve(
  { config, limits, profile, report }: BenchContext,
  peers: readonly PeerProcess[],
  name: string,
  arrivals: readonly Arrival[],
): Promise<SuiteResult> {
  const contenders = peers.map((peer) => ({
    name: peer.title,
    warmUp: () => peer.batch([seededPrompt(8, config.vocabSize, 'warm-up')], 2),
    run: () => {
      report(`throughput: ${name}, ${peer.title}`);
      return peer.service(arrivals);
    },
  }));
  const { results, failures } = await alternate<ServiceTiming>(contenders, {
    rounds: profile.rounds,
    maxMs: profile.maxTaskMs,
  });
  const numTokens = arrivals.reduce((sum, { maxNewTokens }) => sum + maxNewTokens, 0);
  const kinds: Omit<Measurement & { of: (timing: ServiceTiming) => number }, 'samples' | 'subject'>[] = [
    {
      task: 'tokens per second of all requests',
      variant: name,
      unit: 'tokens/s',
      better: 'higher',
      of: ({ totalMs }) => (1000 * numTokens) / totalMs,
      limit: {
        value: (1000 * numTokens) / leastMs(arrivals, config, limits),
        from: 'arithmetic, or the last to come',
      },
    },
    {
      task: 'time to first token, median request',
      variant: name,
      unit: 'ms',
      better: 'lower',
      of: (timing) => part(timing, 'firstTokenMs', 0.5),
    },
    {
      task: 'time to last token, 95th percentile request',
      variant: name,
      unit: 'ms',
      better: 'lower',
      of: (timing) => part(timing, 'totalMs', 0.95),
    },
  ];
  const measurements = kinds.flatMap(({ of, ...kind }) =>
    [...results].map(([subject, timings]): Measurement => ({ ...kind, subject, samples: timings.map(of) })),
  );
  return { measurements, skipped: skippedTask(name, failures) };
}

/** All prompts at once, then every sequence together to its end: no order of steps can take less. */
function leastMs(
  arrivals: readonly Arrival[],
  config: BenchContext['config'],
  limits: BenchContext['limits'],
): number {
  let flops = 0;
  for (const { ids, maxNewTokens } of arrivals) {
    flops += stepFlops(config, [{ rows: ids.length, past: 0 }]);
    for (let i = 1; i < maxNewTokens; i++)
      flops += stepFlops(config, [{ rows: 1, past: ids.length + i - 1 }]);
  }
  const steps = Math.max(...arrivals.map(({ maxNewTokens }) => maxNewTokens));
  const reading = (1000 * steps * weightBytes(config)) / limits.bytesPerSecond;
  return Math.max((1000 * flops) / limits.flopsPerSecond, reading, arrivals[arrivals.length - 1].atMs);
}

function part(timing: ServiceTiming, of: 'firstTokenMs' | 'totalMs', share: number): number {
  return quantile(
    timing.requests.map((request) => request[of]).sort((a, b) => a - b),
    share,
  );
}
