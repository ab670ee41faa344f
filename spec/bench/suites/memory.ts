import { cacheBytesPerToken } from '../../../engine/model/kv-cache.ts';
import { type BenchContext, peerSettings, type SuiteResult } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { PeerProcess } from '../peers/process.ts';
import { weightBytes } from '../work.ts';
import { seededPrompt } from '../workload.ts';

const MEGABYTE = 1e6;

/** Peak memory of a process that generates, by size of the cache; the cache's bytes; time to load. */
export async function memory(context: BenchContext): Promise<SuiteResult> {
  const { cacheTokens } = context.profile.memory;
  const common = commonSize(context);
  const result: SuiteResult = { measurements: [], skipped: [] };
  for (const tokens of cacheTokens) {
    for (const id of context.subjects) {
      // The others have no say in how their caches are laid out, so one size shows them.
      if (id !== 'plumbline' && tokens !== common) continue;
      context.report(`memory: cache of ${tokens} tokens, ${id}`);
      try {
        result.measurements.push(...(await measure(context, id, tokens)));
      } catch (error) {
        result.skipped.push({ subject: id, reason: (error as Error).message });
      }
    }
  }
  return result;
}

async function measure(context: BenchContext, id: string, cacheTokens: number): Promise<Measurement[]> {
  const { newTokens } = context.profile.memory;
  // Memory that is reserved and never written takes none.
  const prompt = seededPrompt(cacheTokens - newTokens, context.config.vocabSize, 'memory');
  const { peer, loaded } = await PeerProcess.start(id, peerSettings(context, { cacheTokens, maxBatch: 1 }));
  try {
    context.versions.set(id, loaded.version);
    await peer.batch([prompt], newTokens);
    const peak = (await peer.peakMemory()) / MEGABYTE;
    const cache = cacheTokens * cacheBytesPerToken(context.config);
    const subject = peer.title;
    const variant = `cache of ${cacheTokens} tokens`;
    const megabytes = { subject, unit: 'MB', better: 'lower' } as const;
    const least = (weightBytes(context.config) + cache) / MEGABYTE;
    return [
      {
        ...megabytes,
        task: 'peak memory',
        variant,
        samples: [peak],
        limit: { value: least, from: 'weights in bf16 and cache in f32' },
      },
      ...(loaded.cacheBytes === undefined
        ? []
        : [
            {
              ...megabytes,
              task: 'key/value cache',
              variant,
              samples: [loaded.cacheBytes / MEGABYTE],
            },
          ]),
      ...(cacheTokens === commonSize(context)
        ? [{ task: 'time to load', subject, unit: 'ms', better: 'lower' as const, samples: [loaded.loadMs] }]
        : []),
    ];
  } finally {
    await peer.close();
  }
}

/** The size of cache that every subject is measured with. */
function commonSize({ profile }: BenchContext): number {
  const { cacheTokens } = profile.memory;
  return cacheTokens[Math.floor(cacheTokens.length / 2)];
}
