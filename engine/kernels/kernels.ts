import type { WeightDtype } from '../config.ts';

/**
 * A weight matrix `W` f32-, f16- or bf16-valued [outputs, inputs], packed once at load for {@link Kernels.matmul}.
 *
 * Storage: panels of {@link PANEL} adjacent outputs, `[ceil(outputs / PANEL)][inputs][PANEL]`, in the dtype of the
 * checkpoint; a last panel that is not full is padded with zeros.
 */
export interface PackedMatrix {
  readonly outputs: number;
  readonly inputs: number;
  readonly dtype: WeightDtype;
  readonly panels: Uint8Array;
}

/** Outputs in a panel of a {@link PackedMatrix}. */
export const PANEL = 8;

/** Equal parts ("leaves") a matmul's sum over k is cut into, and a power of two: the sizes of tensor parallelism. */
export const LEAVES = 8;

/** Reads rows `[firstRow, firstRow + numRows)` of a matrix as the checkpoint's little-endian bytes. */
export type ReadRows = (firstRow: number, numRows: number) => Uint8Array;

/** One sequence's attention in one layer. Arrays must come from the same kernels' `allocate…`. */
export interface AttentionArgs {
  /** f32 [rows, numAttentionHeads, headDim], after q-norm and RoPE. */
  q: Float32Array;
  /** f32 [rows, numAttentionHeads, headDim], written. */
  out: Float32Array;
  /** f32 [numBlocks, numKeyValueHeads, headDim, blockSize]: positions are adjacent, so that scores vectorise. */
  keys: Float32Array;
  /** f32 [numBlocks, numKeyValueHeads, blockSize, headDim]: dimensions are adjacent, so that values vectorise. */
  values: Float32Array;
  /** The sequence's blocks: position p lives in block `blockTable[p / blockSize | 0]`, slot `p % blockSize`. */
  blockTable: Int32Array;
  blockSize: number;
  rows: number;
  /** Absolute position of the first row; row r sees positions 0 … startPosition + r. */
  startPosition: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  /** Multiplies every score; 1/√headDim. Rounded to f32. */
  scale: number;
  /** Scratch, f32, at least startPosition + rows long. */
  scores: Float32Array;
}

/**
 * What a Qwen3 forward pass needs from the machine. Two implementations, `scalar.ts` (plain TypeScript, the
 * readable truth) and `wasm.ts` (AssemblyScript SIMD), give the same bits.
 *
 * ## Numerics
 * TO BE WRITTEN BY H1
 */
export interface Kernels {
  readonly name: 'scalar' | 'wasm';

  /** Zeroed memory that the kernels can work on; it is released with the kernels. @throws KernelError if there is none left. */
  allocate(length: number): Float32Array;
  allocateInt32(length: number): Int32Array;

  /** Packs a matrix, reading it row by row so that no second copy of it exists. */
  pack(shape: { outputs: number; inputs: number; dtype: WeightDtype }, readRows: ReadRows): PackedMatrix;

  /** Rows of a packed matrix, widened: `y[i] = W[ids[i]]`. @param y f32 [ids.length, inputs] */
  gather(matrix: PackedMatrix, ids: ArrayLike<number>, y: Float32Array): void;

  /** `y = x · Wᵀ`. @param x f32 [rows, inputs] @param y f32 [rows, outputs] */
  matmul(x: Float32Array, rows: number, matrix: PackedMatrix, y: Float32Array): void;

  /** RMSNorm (Zhang & Sennrich 2019) of each row. @param x f32 [rows, width] @param weight f32 [width] @param y may be x */
  rmsNorm(x: Float32Array, rows: number, weight: Float32Array, eps: number, y: Float32Array): void;

  /**
   * RoPE (Su et al. 2021) in place, in HuggingFace's rotate-half form: pairs are (d, d + headDim/2).
   * @param x f32 [rows, heads, headDim]
   * @param cos f32 [rows, headDim / 2] @param sin f32 [rows, headDim / 2]
   */
  rope(
    x: Float32Array,
    rows: number,
    heads: number,
    headDim: number,
    cos: Float32Array,
    sin: Float32Array,
  ): void;

  /** Writes k and v of consecutive positions into the cache. @param k,v f32 [rows, numKeyValueHeads, headDim] */
  storeKeyValue(
    args: Omit<AttentionArgs, 'q' | 'out' | 'numAttentionHeads' | 'scale' | 'scores'> & {
      k: Float32Array;
      v: Float32Array;
    },
  ): void;

  /** Causal softmax attention of the rows over the cached positions, grouped-query. */
  attention(args: AttentionArgs): void;

  /** `gate[i] = silu(gate[i]) · up[i]` for i < length. */
  siluMultiply(gate: Float32Array, up: Float32Array, length: number): void;

  /** `x[i] += y[i]` for i < length. */
  add(x: Float32Array, y: Float32Array, length: number): void;

  /** `x[i] += scale · y[i]`, product and sum each rounded, for i < length. */
  addScaled(x: Float32Array, y: Float32Array, scale: number, length: number): void;
}
