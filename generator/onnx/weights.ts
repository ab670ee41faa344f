import { basename } from 'node:path';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { Checkpoint, StoredTensor } from '../../engine/checkpoint/checkpoint.ts';
import type { WeightDtype } from '../../engine/config.ts';
import type { GraphBuilder, Value } from './builder.ts';

const ONNX_TYPES: Readonly<Record<WeightDtype, DataType>> = Object.freeze({
  F32: DataType.FLOAT,
  F16: DataType.FLOAT16,
  BF16: DataType.BFLOAT16,
});

/**
 * A checkpoint's weights as initializers of a graph, by HuggingFace's names. Their bytes stay in the
 * safetensors files, so the graph and the engine read the same ones.
 */
export class Weights {
  readonly #graph: GraphBuilder;
  readonly #checkpoint: Checkpoint;
  readonly #cast = new Map<string, Value>();
  readonly #files = new Set<string>();

  /** @param checkpoint one that has passed `checkWeights`. */
  constructor(graph: GraphBuilder, checkpoint: Checkpoint) {
    this.#graph = graph;
    this.#checkpoint = checkpoint;
  }

  /**
   * Paths of the safetensors files that the graph refers to; it expects the same names in its own folder.
   */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** A weight in the dtype it is stored in. */
  stored(name: string): Value {
    const { file, info } = this.#checkpoint.get(name);
    this.#files.add(file.path);
    return this.#graph.external(name, ONNX_TYPES[info.dtype as WeightDtype], info.shape, {
      file: basename(file.path),
      offset: info.begin,
      length: info.end - info.begin,
    });
  }

  /** A weight in the graph's precision: widened, which is exact. */
  get(name: string): Value {
    const value = this.stored(name);
    const type = ONNX_TYPES[this.tensor(name).info.dtype as WeightDtype];
    if (type === this.#graph.floatType) return value;
    const known = this.#cast.get(name);
    if (known !== undefined) return known;
    const cast = this.#graph.cast(value, this.#graph.floatType);
    this.#cast.set(name, cast);
    return cast;
  }

  /** Where a weight is stored. */
  tensor(name: string): StoredTensor {
    return this.#checkpoint.get(name);
  }
}
