import seedrandom from 'seedrandom';
import type { ModelConfig } from '../../engine/config.ts';
import type { Projections } from '../../golden/projection.ts';

/** Which of a model's numbers are stored: all of a small model, seeded samples of a large one. */
export interface Selection {
  /** Ids whose logits are stored; absent for all. */
  vocabularySample?: number[];
  projections?: Projections;
  /** Largest number of stored positions of a prompt. */
  maxPositions: number;
}

const SMALL_VOCABULARY = 1024;
const SAMPLED_IDS = 128;
const SMALL_HIDDEN_SIZE = 256;
/** More for a wide model, of which fewer prompts are recorded. */
const SAMPLED_IDS_OF_WIDE = 256;
const PROJECTIONS = 16;

/** Largest number of logits in one call of the reference: 64 MB of f32. */
const MAX_LOGITS = 2 ** 24;

export function selectionFor(config: ModelConfig): Selection {
  const sampled = config.vocabSize > SMALL_VOCABULARY;
  const wide = config.hiddenSize > SMALL_HIDDEN_SIZE;
  const sampledIds = wide ? SAMPLED_IDS_OF_WIDE : SAMPLED_IDS;
  return {
    ...(sampled ? { vocabularySample: sample('vocabulary', config.vocabSize, sampledIds) } : {}),
    ...(wide ? { projections: { seed: 'projections', count: PROJECTIONS } } : {}),
    maxPositions: sampled ? 8 : 24,
  };
}

/**
 * The stored positions of a prompt of `length` tokens: all, or the first, the last and a seeded sample
 * between them; only the last ones if the logits of all positions would take too much memory.
 */
export function selectPositions(length: number, config: ModelConfig, { maxPositions }: Selection): number[] {
  if (length <= maxPositions) return Array.from({ length }, (_, position) => position);
  if (length * config.vocabSize > MAX_LOGITS) {
    return Array.from({ length: maxPositions }, (_, i) => length - maxPositions + i);
  }
  const between = sample(`positions of ${length}`, length - 2, maxPositions - 2).map(
    (position) => position + 1,
  );
  return [0, ...between, length - 1];
}

/** `count` distinct whole numbers below `limit`, ascending. */
function sample(seed: string, limit: number, count: number): number[] {
  const random = seedrandom.alea(seed);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random() * limit));
  return [...chosen].sort((a, b) => a - b);
}
