import { countParameters } from '../../engine/checkpoint/parameters.ts';
import type { ModelConfig } from '../../engine/config.ts';

/** What the machine was measured to do at most, by all threads of the run together. */
export interface MachineLimits {
  /** Bytes read per second, by a plain WebAssembly loop. */
  bytesPerSecond: number;
  /** Floating-point operations per second, by fused multiply-adds in registers alone. */
  flopsPerSecond: number;
}

/** What the tokens of one sequence take in one step. */
export interface Rows {
  /** Tokens that go through the layers. */
  rows: number;
  /** Positions before the first of them. */
  past: number;
}

/** Bytes of bf16 weights that every step reads once: with the head, without the embedding's gather. */
export function weightBytes(config: ModelConfig): number {
  return 2 * matmulParameters(config);
}

/**
 * Floating-point operations of a step: two for each weight that a row meets, and for each pair of a row and
 * a position it sees four for each dimension of every head. Of each sequence one row goes through the head.
 */
export function stepFlops(config: ModelConfig, sequences: readonly Rows[]): number {
  const head = config.vocabSize * config.hiddenSize;
  const layers = matmulParameters(config) - head;
  const perPair = 4 * config.numHiddenLayers * config.numAttentionHeads * config.headDim;
  let flops = 0;
  for (const { rows, past } of sequences) {
    const pairs = rows * past + (rows * (rows + 1)) / 2;
    flops += 2 * (rows * layers + head) + perPair * pairs;
  }
  return flops;
}

/** The least time of a step within these limits, in ms: of weights or arithmetic, whichever is longer. */
export function leastStepMs(config: ModelConfig, sequences: readonly Rows[], limits: MachineLimits): number {
  const reading = weightBytes(config) / limits.bytesPerSecond;
  const computing = stepFlops(config, sequences) / limits.flopsPerSecond;
  return 1000 * Math.max(reading, computing);
}

/** Weights that are multiplied with for a token; of an untied embedding only a row is looked up. */
function matmulParameters(config: ModelConfig): number {
  const { active } = countParameters(config);
  return config.tieWordEmbeddings ? active : active - config.vocabSize * config.hiddenSize;
}
