import { alternate } from '../alternate.ts';
import { type BenchContext, peerSettings, type SuiteResult, skippedTask, threadCount } from '../context.ts';
import { ENGINE, type Measurement } from '../figure.ts';
import { PeerProcess } from '../peers/process.ts';
import type { BatchTiming } from '../peers/timing.ts';
import { quantile } from '../statistics.ts';
import { seededPrompt } from '../workload.ts';

export const TP = 2;
export const SHARDED = `${ENGINE}, tp ${TP}`;
const MEGABYTE = 1e6;
/** Tokens per sequence for the unused end of its last block. */
const ROOM = 32;

/** The engine in one process, and sharded over ranks with the same number of threads in total. */
interface Pair {
  whole: PeerProcess;
  sharded: PeerProcess;
  /** Threads of the one process. */
  threads: number;
}

/** Tokens per second and memory of two ranks; the limits are those of one process with as many threads. */
export async function sharded(context: BenchContext): Promise<SuiteResult> {
  const { batches, prefillTokens, promptTokens, newTokens } = context.profile.parallel;
  const maxBatch = Math.max(...batches);
  const cacheTokens = Math.max(maxBatch * (promptTokens + newTokens), prefillTokens) + maxBatch * ROOM;
  const settings = peerSettings(context, { cacheTokens, maxBatch });
  const perRank = Math.max(1, Math.floor(context.threads / TP));
  const started: PeerProcess[] = [];
  const start = async (threads: number, tp: number) => {
    context.report(`loading ${tp === 1 ? ENGINE : SHARDED}`);
    const { peer, loaded } = await PeerProcess.start('plumbline', { ...settings, threads, tp });
    started.push(peer);
    context.versions.set(peer.id, loaded.version);
    return { peer, allocatedBytes: loaded.allocatedBytes ?? Number.NaN };
  };
  try {
    const [whole, part] = [await start(TP * perRank, 1), await start(perRank, TP)];
    const pair = { whole: whole.peer, sharded: part.peer, threads: TP * perRank };
    const { measurements, skipped } = await speed(context, pair);
    measurements.push(
      ...(await memory(pair)),
      ...memoryOf('memory of weights, cache and work', whole.allocatedBytes, [part.allocatedBytes]),
    );
    return { measurements, skipped };
  } catch (error) {
    return { measurements: [], skipped: [{ subject: SHARDED, reason: (error as Error).message }] };
  } finally {
    await Promise.allSettled(started.map((peer) => peer.close()));
  }
}

async function speed(context: BenchContext, pair: Pair): Promise<SuiteResult> {
  const { batches, prefillTokens, promptTokens, newTokens } = context.profile.parallel;
  const prompts = (count: number, length: number) =>
    Array.from({ length: count }, (_, i) =>
      seededPrompt(length, context.config.vocabSize, `parallel, prompt ${i} of ${count}`),
    );
  const result: SuiteResult = { measurements: [], skipped: [] };
  const add = async (
    variant: string,
    task: { prompts: number[][]; newTokens: number },
    perSecond: (timing: BatchTiming) => number,
  ) => {
    const contenders = [
      { name: ENGINE, peer: pair.whole },
      { name: SHARDED, peer: pair.sharded },
    ].map(({ name, peer }) => ({
      name,
      run: () => {
        context.report(`parallel: ${variant}, ${name}`);
        return peer.batch(task.prompts, task.newTokens);
      },
    }));
    const { rounds, maxTaskMs } = context.profile;
    const { results, failures } = await alternate(contenders, { rounds, maxMs: maxTaskMs });
    const samplesOf = (name: string) => (results.get(name) ?? []).map(perSecond).sort((a, b) => a - b);
    const whole = samplesOf(ENGINE);
    const limit = { value: quantile(whole, 0.5), from: `one process with ${threadCount(pair.threads)}` };
    for (const [subject] of results) {
      result.measurements.push({
        task: 'tokens per second over ranks',
        variant,
        subject,
        unit: 'tokens/s',
        better: 'higher',
        samples: samplesOf(subject),
        ...(subject === SHARDED && whole.length > 0 ? { limit } : {}),
      });
    }
    result.skipped.push(...skippedTask(variant, failures));
  };
  for (const batch of batches) {
    const task = { prompts: prompts(batch, promptTokens), newTokens };
    const perSecond = ({ firstTokenMs, totalMs }: BatchTiming) =>
      (1000 * batch * (newTokens - 1)) / (totalMs - firstTokenMs);
    await add(`decode, batch ${batch}`, task, perSecond);
  }
  const prefill = { prompts: prompts(1, prefillTokens), newTokens: 1 };
  await add(
    `prefill of ${prefillTokens}`,
    prefill,
    ({ firstTokenMs }) => (1000 * prefillTokens) / firstTokenMs,
  );
  return result;
}

async function memory(pair: Pair): Promise<Measurement[]> {
  return memoryOf('peak memory of a rank', await pair.whole.peakMemory(), await pair.sharded.rankMemory());
}

/** Memory of each rank; the limit is its share of one process's. @param ranks bytes, by rank. */
function memoryOf(task: string, whole: number, ranks: readonly number[]): Measurement[] {
  const megabytes = { task, unit: 'MB', better: 'lower' } as const;
  const limit = { value: whole / TP / MEGABYTE, from: `one process's by ${TP}` };
  return [
    { ...megabytes, subject: ENGINE, samples: [whole / MEGABYTE] },
    ...ranks.map((bytes, rank) => ({
      ...megabytes,
      subject: `${SHARDED}, rank ${rank}`,
      samples: [bytes / MEGABYTE],
      limit,
    })),
  ];
}
