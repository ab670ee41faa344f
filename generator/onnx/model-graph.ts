import type { ModelConfig } from '../../engine/config.ts';
import type { Dimension, GraphBuilder, Value } from './builder.ts';
import type { TapName } from './taps.ts';
import type { Weights } from './weights.ts';

/** What every part of the model is built from. */
export interface ModelGraph {
  readonly config: ModelConfig;
  readonly graph: GraphBuilder;
  readonly weights: Weights;
  /** int64 [2]: number of sequences, and of new tokens in each. */
  readonly batchAndTime: Value;
  readonly quantization: 'int8' | undefined;
  /** Makes a value [batch, time, ...shape] an output of the graph, if it is built with taps. */
  readonly tap: (name: TapName, value: Value, shape: readonly Dimension[]) => void;
}
