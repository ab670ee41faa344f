import { expectedWeights } from '../../engine/checkpoint/weights.ts';
import {
  type AttentionArgs,
  type Kernels,
  type ModelConfig,
  type PackedMatrix,
  type ReadRows,
  type StoreKeyValueArgs,
  type WeightDtype,
  widen,
} from '../../engine/index.ts';

/** A norm of a layer, or the last one. */
export type NormSite = 'input' | 'q' | 'k' | 'postAttention' | 'final';

const NORMS_OF_LAYER: readonly NormSite[] = ['input', 'q', 'k', 'postAttention'];

export interface MatmulCall {
  /** HuggingFace's name of the matrix; `lm_head.weight` for a tied head too. */
  readonly name: string;
  /** The name that it is stored under: a tied head is the embedding. */
  readonly stored: string;
  readonly layer: number;
  /** f32 [rows, inputs] */
  readonly x: Float32Array;
  readonly rows: number;
  /** f32 [rows, outputs], to be written. */
  readonly y: Float32Array;
  readonly matrix: PackedMatrix;
  /** Computes `y = x · Wᵀ`. @param name of another matrix of the same shape */
  compute(name?: string): void;
}

export interface NormCall {
  readonly site: NormSite;
  readonly layer: number;
  /** f32 [rows, weight.length] */
  readonly x: Float32Array;
  readonly rows: number;
  readonly weight: Float32Array;
  readonly eps: number;
  /** To be written; may be x. */
  readonly y: Float32Array;
  compute(eps?: number): void;
}

export interface RopeCall {
  readonly site: 'q' | 'k';
  readonly layer: number;
  /** f32 [rows, heads, headDim], in place. */
  readonly x: Float32Array;
  readonly rows: number;
  readonly heads: number;
  readonly headDim: number;
  /** f32 [rows, headDim / 2] */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  compute(): void;
}

/** Attention of a whole sequence: row r is position r. */
export interface AttentionCall extends AttentionArgs, Pick<StoreKeyValueArgs, 'rows' | 'k' | 'v'> {
  readonly layer: number;
  compute(): void;
}

export interface ResidualCall {
  readonly site: 'attention' | 'mlp';
  readonly layer: number;
  /** The stream, f32 [length], written. */
  readonly x: Float32Array;
  /** What is added. */
  readonly y: Float32Array;
  readonly length: number;
  compute(): void;
}

export interface GateCall {
  readonly layer: number;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly length: number;
  compute(): void;
}

export interface AddScaledCall {
  readonly layer: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly scale: number;
  readonly length: number;
  compute(): void;
}

/** What is done in place of a call of the kernels; where a tap is absent, the kernels compute as always. */
export interface Taps {
  /** Changes rows of a matrix while it is loaded: f32 [numRows, inputs], from `firstRow` on. */
  weights?(name: string, rows: Float32Array, inputs: number, firstRow: number): void;
  /** Changes the embedded tokens, f32 [rows, hiddenSize]. */
  embedded?(x: Float32Array): void;
  matmul?(call: MatmulCall): void;
  rmsNorm?(call: NormCall): void;
  rope?(call: RopeCall): void;
  attention?(call: AttentionCall): void;
  residual?(call: ResidualCall): void;
  siluMultiply?(call: GateCall): void;
  addScaled?(call: AddScaledCall): void;
}

/** Kernels with taps, see {@link tapKernels}. */
export interface TappedKernels extends Kernels {
  /** The packed matrices by the names that they are stored under. */
  readonly matrices: ReadonlyMap<string, PackedMatrix>;
}

/**
 * Kernels whose calls taps may replace. A tap gets the weight, layer and place of the model that it serves.
 *
 * Matrices are recognised by the order in which they are packed, norms and residual sums by the order in
 * which they are called. This holds for one sequence at a time, computed in one step, without tensor
 * parallelism.
 *
 * @param taps are looked up in each call: all but `weights` may be exchanged between steps.
 */
export function tapKernels(inner: Kernels, config: ModelConfig, taps: Taps): TappedKernels {
  const names = [...expectedWeights(config)].flatMap(([name, shape]) => (shape.length === 2 ? [name] : []));
  const matrices = new Map<string, PackedMatrix>();
  const nameOf = new Map<PackedMatrix, string>();
  let norms = 0;
  let sums = 0;
  let turned = 0;
  let stored: StoreKeyValueArgs | undefined;
  const layer = () =>
    Math.min(Math.floor(Math.max(0, norms - 1) / NORMS_OF_LAYER.length), config.numHiddenLayers - 1);

  return {
    ...inner,
    matrices,
    get bytesAllocated() {
      return inner.bytesAllocated;
    },

    pack(shape, readRows) {
      const name = names[matrices.size];
      const edited = taps.weights
        ? readRowsAsF32(shape, readRows, (rows, firstRow) =>
            taps.weights!(name, rows, shape.inputs, firstRow),
          )
        : readRows;
      const matrix = inner.pack(taps.weights ? { ...shape, dtype: 'F32' } : shape, edited);
      matrices.set(name, matrix);
      nameOf.set(matrix, name);
      return matrix;
    },

    gather(matrix, ids, y) {
      norms = 0;
      sums = 0;
      inner.gather(matrix, ids, y);
      taps.embedded?.(y.subarray(0, ids.length * matrix.inputs));
    },

    matmul(x, rows, matrix, y) {
      // A tied head is the embedding, used after the last norm.
      const isHead = norms > NORMS_OF_LAYER.length * config.numHiddenLayers;
      const stored = nameOf.get(matrix)!;
      const name = isHead ? 'lm_head.weight' : stored;
      const compute = (other?: string) =>
        inner.matmul(x, rows, other === undefined || other === name ? matrix : matrices.get(other)!, y);
      if (taps.matmul) taps.matmul({ name, stored, layer: layer(), x, rows, y, matrix, compute });
      else compute();
    },

    rmsNorm(args) {
      const { x, rows, weight, eps, y } = args;
      const index = norms++;
      turned = 0;
      const site =
        index < NORMS_OF_LAYER.length * config.numHiddenLayers
          ? NORMS_OF_LAYER[index % NORMS_OF_LAYER.length]
          : 'final';
      const compute = (other = eps) => inner.rmsNorm({ ...args, eps: other });
      if (taps.rmsNorm) taps.rmsNorm({ site, layer: layer(), x, rows, weight, eps, y, compute });
      else compute();
    },

    rope(args) {
      const { x, rows, heads, headDim, cos, sin } = args;
      const site = turned++ === 0 ? 'q' : 'k';
      const compute = () => inner.rope(args);
      if (taps.rope) taps.rope({ site, layer: layer(), x, rows, heads, headDim, cos, sin, compute });
      else compute();
    },

    storeKeyValue(args) {
      stored = args;
      inner.storeKeyValue(args);
    },

    attention(args) {
      const { rows, k, v } = stored!;
      const compute = () => inner.attention(args);
      if (taps.attention) taps.attention({ ...args, rows, k, v, layer: layer(), compute });
      else compute();
    },

    siluMultiply(gate, up, length) {
      const compute = () => inner.siluMultiply(gate, up, length);
      if (taps.siluMultiply) taps.siluMultiply({ layer: layer(), gate, up, length, compute });
      else compute();
    },

    add(x, y, length) {
      const site = sums++ % 2 === 0 ? 'attention' : 'mlp';
      const compute = () => inner.add(x, y, length);
      if (taps.residual) taps.residual({ site, layer: layer(), x, y, length, compute });
      else compute();
    },

    addScaled(x, y, scale, length) {
      const compute = () => inner.addScaled(x, y, scale, length);
      if (taps.addScaled) taps.addScaled({ layer: layer(), x, y, scale, length, compute });
      else compute();
    },
  };
}

/**
 * Reads rows of a matrix as f32 bytes, changed on their way.
 * @param change gets f32 [numRows, inputs] and changes it in place.
 */
function readRowsAsF32(
  { dtype }: { dtype: WeightDtype },
  readRows: ReadRows,
  change: (rows: Float32Array, firstRow: number) => void,
): ReadRows {
  return (firstRow, numRows) => {
    const rows = widen(dtype, readRows(firstRow, numRows));
    change(rows, firstRow);
    return new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  };
}
