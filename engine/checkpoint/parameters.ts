import type { ModelConfig } from '../config.ts';
import { expectedWeights } from './weights.ts';

/** Number of parameters of a model. */
export interface ParameterCount {
  /** All parameters; a tied head counts once. */
  total: number;
  /** Parameters that one token uses: of a mixture's experts only `numExpertsPerTok`. */
  active: number;
}

/** Counts the parameters of an architecture, exactly. */
export function countParameters(config: ModelConfig): ParameterCount {
  let total = 0;
  for (const shape of expectedWeights(config).values()) {
    total += shape.reduce((product, size) => product * size, 1);
  }
  if (!config.moe) return { total, active: total };
  const { numExperts, numExpertsPerTok, moeIntermediateSize, sparseLayers } = config.moe;
  const expert = 3 * config.hiddenSize * moeIntermediateSize;
  const numSparseLayers = sparseLayers.filter(Boolean).length;
  return { total, active: total - numSparseLayers * (numExperts - numExpertsPerTok) * expert };
}
