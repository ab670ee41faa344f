import type { ModelConfig } from '../../engine/index.ts';
import type { Taps } from '../reference/tapped-kernels.ts';

/** What a bug is made for. */
export interface BugContext {
  readonly config: ModelConfig;
  /** A norm's gains by HuggingFace's name, f32. */
  vector(name: string): Float32Array;
  /** Where decoding begins in the case that is computed. */
  promptLength(): number;
}

/** How an engine with a bug differs from ours. */
export interface FaultyEngine {
  readonly taps?: Taps;
  /** Keys of `config.json` that are read wrongly. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The position whose row is returned for a position. Default: its own. */
  readonly rowOf?: (position: number) => number;
  /** Changes the scores of a row, f32 [ids that are wanted]. */
  readonly row?: (row: Float32Array) => Float32Array;
}

/** A bug that engines have had. */
export interface Bug {
  /** In the verdict, e.g. `rope-theta-x10`. */
  readonly name: string;
  /** One sentence for a report. */
  readonly title: string;
  /** Whether a model can have it. Default: every one. */
  readonly applies?: (config: ModelConfig) => boolean;
  readonly make: (context: BugContext) => FaultyEngine;
}
