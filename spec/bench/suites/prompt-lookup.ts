import type { SamplingOptions } from '../../../engine/serving/sampling-params.ts';
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
import { seededPrompt } from '../workload.ts';

const PROMPT_TOKENS = 32;
/** Blocks are not filled to their end. */
const ROOM = 32;

/**
 * Texts by how they are sampled. A model with seeded weights repeats nothing by itself, so biases leave it a
 * few tokens to choose from; every step is computed as for any text. With biases of 100 and 97, the second
 * token is drawn about one time in twenty, as in a text that is copied with changes.
 */
const TEXTS: Readonly<Record<string, SamplingOptions>> = {
  'a text that repeats itself': { logitBias: { 7: 100 } },
  'a copy with changes': { logitBias: { 7: 100, 8: 97 }, temperature: 1, topK: 2 },
  'random text of four tokens': { logitBias: { 7: 50, 8: 50, 9: 50, 10: 50 }, temperature: 4, topK: 4 },
  'random text': {},
};

/** How fast one sequence is decoded with drafts and without, by how much of them is right. Ours alone. */
export async function promptLookup(context: BenchContext): Promise<SuiteResult> {
  const { draftTokens, newTokens } = context.profile.serving.lookup;
  const ours = context.subjects.filter((id) => id === 'plumbline');
  const settings = peerSettings(context, { cacheTokens: PROMPT_TOKENS + newTokens + ROOM, maxBatch: 1 });
  const drafting = { ...settings, promptLookup: draftTokens };
  return await withPeers(context, ours, settings, ([plain]) =>
    withPeers(context, ours, drafting, async ([lookup]) => {
      if (!plain || !lookup) return joined([]);
      const peers = { 'without drafts': plain, [`drafts of ${draftTokens}`]: lookup };
      const parts = [];
      for (const text of Object.keys(TEXTS)) parts.push(await decode(context, peers, text));
      return joined(parts);
    }),
  );
}

async function decode(
  { config, profile, report }: BenchContext,
  peers: Readonly<Record<string, PeerProcess>>,
  variant: string,
): Promise<SuiteResult> {
  const { newTokens } = profile.serving.lookup;
  const task = 'decoding with prompt lookup';
  const prompts = [seededPrompt(PROMPT_TOKENS, config.vocabSize, 'lookup')];
  const texts = new Set<string>();
  const contenders = Object.entries(peers).map(([name, peer]) => ({
    name,
    run: async () => {
      report(`serving: ${task}, ${variant}, ${name}`);
      const timing = await peer.batch(prompts, newTokens, TEXTS[variant]);
      texts.add(timing.tokens.join());
      if (texts.size > 1) throw new Error(`${variant}: the tokens differ with and without drafts`);
      return timing;
    },
  }));
  const { results, failures } = await alternate(contenders, {
    rounds: profile.rounds,
    maxMs: profile.maxTaskMs,
  });
  const measurements = [...results].map(
    ([subject, timings]): Measurement => ({
      ...{ task, variant, subject, unit: 'tokens/s', better: 'higher' },
      samples: timings.map(
        ({ totalMs, firstTokenMs }) => (1000 * (newTokens - 1)) / (totalMs - firstTokenMs),
      ),
    }),
  );
  return { measurements, skipped: skippedTask(task, failures) };
}
