import seedrandom from 'seedrandom';
import type { ModelConfig } from '../../engine/config.ts';
import type { Projections } from '../../golden/projection.ts';

/** What is stored of a model's numbers: everything where it is small, seeded samples where it is not. */
export interface Selection {
  /** Ids whose logits are stored; absent for all. */
  vocabularySample?: number[];
  projections?: Projections;
  /** Positions of a prompt that are stored, at most. */
  maxPositions: number;
}

const SMALL_VOCABULARY = 1024;
const SAMPLED_IDS = 128;
const SMALL_HIDDEN_SIZE = 256;
/** Of a wide model fewer prompts are recorded, and more of each. */
const SAMPLED_IDS_OF_WIDE = 256;
const PROJECTIONS = 16;

/** Logits a reference is asked for at once, at most: 64 MB of f32. */
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
 * Positions of a prompt of `length` tokens that are stored: all, or the first, the last and a seeded sample between
 * them; only the last ones where the logits of all positions would be too many to hold.
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

/** `count` different whole numbers below `limit`, ascending. */
function sample(seed: string, limit: number, count: number): number[] {
  const random = seedrandom.alea(seed);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random() * limit));
  return [...chosen].sort((a, b) => a - b);
}
