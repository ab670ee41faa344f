import { BlockManager } from '../../../engine/serving/block-manager.ts';
import { Scheduler } from '../../../engine/serving/scheduler.ts';
import { Sequence } from '../../../engine/serving/sequence.ts';
import { alternate } from '../alternate.ts';
import {
  type BenchContext,
  joined,
  peerSettings,
  type SuiteResult,
  skippedTask,
  withPeers,
} from '../context.ts';
import { ENGINE } from '../figure.ts';
import type { PeerProcess } from '../peers/process.ts';
import { leastStepMs } from '../work.ts';
import { seededPrompt } from '../workload.ts';
import { promptLookup } from './prompt-lookup.ts';

/** Steps over which the cost of scheduling is taken. */
const STEPS = 1000;
/** Sequences that are scheduled. */
const BATCH = 8;
/** Blocks are not filled to their end. */
const ROOM = 32;

/** What serving adds or saves: growth with the batch, prefix hits, the cost of scheduling. Ours alone. */
export async function serving(context: BenchContext): Promise<SuiteResult> {
  const { batches, prefixTokens, newTokens } = context.profile.serving;
  const maxBatch = Math.max(...batches);
  const settings = peerSettings(context, {
    cacheTokens: maxBatch * (newTokens + ROOM),
    maxBatch,
  });
  const scheduling = {
    task: `scheduling a step of ${BATCH}`,
    subject: ENGINE,
    unit: 'ms',
    better: 'lower' as const,
    samples: Array.from({ length: context.profile.rounds }, schedulingMs),
  };
  const ours = context.subjects.filter((id) => id === 'plumbline');
  const grown = await withPeers(context, ours, settings, ([peer]) => growth(context, peer));
  // Between two hits come two misses at most, and none of them may displace what is to be found.
  const prompts = { cacheTokens: 4 * (prefixTokens + ROOM), prefixCaching: true };
  const cached = await withPeers(context, ours, { ...settings, ...prompts }, ([peer]) =>
    prefix(context, peer),
  );
  return joined([
    { measurements: [scheduling], skipped: [] },
    ...[grown, cached, await promptLookup(context)],
  ]);
}

/** How tokens per second grow with the batch. */
async function growth(
  { config, limits, profile, report }: BenchContext,
  peer: PeerProcess | undefined,
): Promise<SuiteResult> {
  if (!peer) return { measurements: [], skipped: [] };
  const { batches, newTokens } = profile.serving;
  const contenders = batches.map((batch) => ({
    name: `batch ${batch}`,
    run: () => {
      report(`serving: batch ${batch}`);
      const prompts = Array.from({ length: batch }, (_, i) => seededPrompt(1, config.vocabSize, `${i}`));
      return peer.batch(prompts, newTokens);
    },
  }));
  const { results, failures } = await alternate(contenders, {
    rounds: profile.rounds,
    maxMs: profile.maxTaskMs,
  });
  const measurements = batches.flatMap((batch) => {
    const timings = results.get(`batch ${batch}`);
    if (!timings) return [];
    const rows = Array.from({ length: batch }, () => ({ rows: 1, past: Math.floor(newTokens / 2) }));
    return [
      {
        task: 'decoding by batch',
        subject: `batch ${batch}`,
        unit: 'tokens/s',
        better: 'higher' as const,
        samples: timings.map(({ totalMs }) => (1000 * batch * newTokens) / totalMs),
        limit: {
          value: (1000 * batch) / leastStepMs(config, rows, limits),
          from: 'weights read once or arithmetic',
        },
      },
    ];
  });
  return { measurements, skipped: skippedTask('decoding by batch', failures) };
}

/** Time to first token of a prompt that is in the prefix cache, and of a new one. */
async function prefix(
  { config, profile, report }: BenchContext,
  peer: PeerProcess | undefined,
): Promise<SuiteResult> {
  if (!peer) return { measurements: [], skipped: [] };
  const { prefixTokens } = profile.serving;
  const known = seededPrompt(prefixTokens, config.vocabSize, 'known');
  const task = `time to first token of ${prefixTokens}`;
  await peer.batch([known], 1);
  let fresh = 0;
  const contenders = [
    { name: 'prefix hit', isCached: true, prompt: () => known },
    {
      name: 'prefix miss',
      isCached: false,
      prompt: () => seededPrompt(prefixTokens, config.vocabSize, `fresh ${fresh++}`),
    },
  ].map(({ name, isCached, prompt }) => ({
    name,
    run: async () => {
      report(`serving: ${name}`);
      const timing = await peer.batch([prompt()], 1);
      const { cachedTokens = 0 } = timing;
      // A hit finds all blocks but the last, whose tokens are computed for their logits.
      if (isCached ? cachedTokens < prefixTokens - ROOM : cachedTokens > 0) {
        throw new Error(`${name}: ${cachedTokens} of ${prefixTokens} tokens were found in the cache`);
      }
      return timing;
    },
  }));
  const { results, failures } = await alternate(contenders, {
    rounds: profile.rounds,
    maxMs: profile.maxTaskMs,
  });
  const measurements = [...results].map(([subject, timings]) => ({
    task,
    subject,
    unit: 'ms',
    better: 'lower' as const,
    samples: timings.map(({ firstTokenMs }) => firstTokenMs),
  }));
  return { measurements, skipped: skippedTask(task, failures) };
}

/** What scheduling takes of a step of sequences that decode, in ms. */
function schedulingMs(): number {
  const blocks = new BlockManager({ numBlocks: 1024, blockSize: 16 });
  const scheduler = new Scheduler({ maxBatch: BATCH, maxBatchTokens: 256, prefillChunk: 128 }, blocks);
  for (let id = 0; id < BATCH; id++) {
    scheduler.add(new Sequence(id, { promptLogprobs: undefined }, seededPrompt(64, 1000, `${id}`)));
  }
  const begin = performance.now();
  for (let step = 0; step < STEPS; step++) {
    for (const { sequence, numTokens } of scheduler.schedule().spans) {
      blocks.commit(sequence, numTokens);
      sequence.append(step);
    }
  }
  return (performance.now() - begin) / STEPS;
}
