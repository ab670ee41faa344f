import type { WeightDtype } from '../config.ts';
import { PANEL, SEQUENCE_WORDS, UNIT_QUERIES } from './abi.ts';
import type { LEAVES } from './numerics.ts';

/**
 * A weight matrix `W`, f32, f16 or bf16 [outputs, inputs], packed once at load for {@link Kernels.matmul}.
 *
 * Storage: panels of {@link PANEL} = 16 adjacent outputs, `[ceil(outputs / PANEL)][inputs][PANEL]`, in the
 * dtype of the checkpoint, little-endian; a last panel that is not full is padded with zeros. The 16-bit
 * weights of an input in a panel lie in the order 0, 8, 1, 9, …, 7, 15: read as eight 32-bit words, they are
 * unpacked by a shift and a mask within each word. `laneOf` in `pack.ts` returns the place of an output.
 *
 * A rank that has a part of the inputs has a matrix with the {@link LEAVES} that fall on these inputs.
 */
export interface PackedMatrix {
  readonly outputs: number;
  readonly inputs: number;
  readonly dtype: WeightDtype;
  /** Leaves of a matmul's sum over the inputs: {@link LEAVES}, or a half, a quarter or an eighth of it. */
  readonly leaves: number;
  readonly panels: Uint8Array;
}

/** Reads rows `[firstRow, firstRow + numRows)` of a matrix as the checkpoint's little-endian bytes. */
export type ReadRows = (firstRow: number, numRows: number) => Uint8Array;

/** The cache of one layer. */
export interface CacheArgs {
  /** f32 [numBlocks, numKeyValueHeads, headDim, blockSize]: adjacent positions, so that scores vectorise. */
  keys: Float32Array;
  /** f32 [numBlocks, numKeyValueHeads, blockSize, headDim]: adjacent dimensions, so that values vectorise. */
  values: Float32Array;
  blockSize: number;
  numKeyValueHeads: number;
  headDim: number;
}

/** Consecutive rows of a sequence. */
export interface AttentionSequence {
  rows: number;
  /** Absolute position of the first row; row r sees positions 0 … startPosition + r. */
  startPosition: number;
  /** The sequence's blocks: position p is in block `blockTable[p / blockSize | 0]`, slot `p % blockSize`. */
  blockTable: ArrayLike<number>;
}

/** The attention of some sequences in one layer. */
export interface AttentionArgs extends CacheArgs {
  /** f32 [rows, numAttentionHeads, headDim], after q-norm and RoPE: the rows of sequence after sequence. */
  q: Float32Array;
  /** f32 [rows, numAttentionHeads, headDim], written. */
  out: Float32Array;
  sequences: readonly AttentionSequence[];
  numAttentionHeads: number;
  /** Multiplies every score; 1/√headDim. Rounded to f32. */
  scale: number;
  /** Scratch, f32, at least {@link scoresLength} long for the longest sequence. */
  scores: Float32Array;
  /** Scratch, i32, at least {@link tablesLength} long. */
  tables: Int32Array;
}

/** Length of attention's scratch memory over a number of positions: {@link UNIT_QUERIES} rows per thread. */
export function scoresLength(threads: number, positions: number): number {
  return threads * UNIT_QUERIES * Math.ceil(positions / PANEL) * PANEL;
}

/** Length of the scratch memory for sequences whose block tables have `numBlocks` blocks in all. */
export function tablesLength(numSequences: number, numBlocks: number): number {
  return numSequences * SEQUENCE_WORDS + numBlocks;
}

/** New keys and values in one layer, and the cache they go into. */
export interface StoreKeyValueArgs extends CacheArgs {
  rows: number;
  /** f32 [rows, numKeyValueHeads, headDim], after k-norm and RoPE. */
  k: Float32Array;
  /** f32 [rows, numKeyValueHeads, headDim]. */
  v: Float32Array;
  /** i32 [rows]: the place of each row in the cache, its block · blockSize + its slot in the block. */
  slots: Int32Array;
}

/** Rows to normalise. */
export interface RmsNormArgs {
  /** f32 [rows, width]. */
  x: Float32Array;
  rows: number;
  /** f32 [width]. */
  weight: Float32Array;
  /** Added to the mean of squares. Rounded to f32. */
  eps: number;
  /** f32 [rows, width], written; may be x. */
  y: Float32Array;
}

/** Rows of heads to rotate, and the angles of the rows. */
export interface RopeArgs {
  /** f32 [rows, heads, headDim], rotated in place. */
  x: Float32Array;
  rows: number;
  heads: number;
  headDim: number;
  /** f32 [rows, headDim / 2]. */
  cos: Float32Array;
  /** f32 [rows, headDim / 2]. */
  sin: Float32Array;
}

/**
 * The arithmetic of a Qwen3 forward pass. Two implementations, `scalar.ts` (plain TypeScript, the readable
 * truth) and `wasm.ts` (AssemblyScript SIMD), give the same bits.
 *
 * ## Numerics
 * Floating-point addition is not associative: another order of additions gives other bits. So there is one
 * order, and it depends on the shape of the model alone, never on the number of rows, the size of a cache
 * block, the chunks of a prefill, the width of a vector or the number of threads.
 *
 * **Rounding.** All arithmetic is IEEE 754 f32, to nearest, ties to even, with denormals. Where sums of
 * products are long (matmul, attention's scores, attention's values) a product and the sum it is added to are
 * fused: `fma(a, b, c)` is a·b + c, rounded once. Everywhere else every product, sum, quotient and square
 * root is rounded on its own. A machine without a fused multiply-add computes the same result in f64.
 * Numbers given as JavaScript numbers (eps, scale) are rounded to f32 first. Weights are widened to f32 when
 * used, which is exact.
 *
 * **Same bits** means: equal as 32-bit patterns, or both NaN. WebAssembly leaves the sign and payload of a
 * NaN that it computes to the machine; everything else, the sign of zero included, is determined.
 *
 * **matmul.** `y[n] = Σ_k x[k] · W[n,k]`. The K inputs are cut into {@link LEAVES} = 8 leaves of ⌈K/8⌉: leaf
 * i begins at k = i·⌈K/8⌉. If K is not a multiple of 8, the last leaves are shorter or empty. A leaf is
 * summed in ascending k from +0, each term by `s = fma(x[k], W[n,k], s)`, so an empty leaf is +0. The
 * leaves are added as a balanced tree, `((l₀+l₁)+(l₂+l₃)) + ((l₄+l₅)+(l₆+l₇))`: a rank that owns 1, 2 or 4
 * adjacent leaves computes its subtree alone, with a matrix of the inputs of its leaves and their number.
 *
 * **Sum by four** of terms t_i: four running sums from +0, where sum j adds the terms with i mod 4 = j in
 * ascending order, then `(s₀ + s₁) + (s₂ + s₃)`.
 *
 * **rmsNorm.** With m = (sum by four of x[i]·x[i]) / width and r = 1 / √(m + eps):
 * `y[i] = (x[i] · r) · weight[i]`.
 *
 * **rope.** With a = x[d], b = x[d + headDim/2]: `x[d] = a·cos − b·sin`, `x[d + headDim/2] = b·cos + a·sin`.
 *
 * **exp.** x is clamped to −104 … 89; the results there are 0 and infinity. n = x·log₂e, rounded to a whole
 * number (by adding and subtracting 1.5·2²³); r = (x − n·LN2_HIGH) − n·LN2_LOW, where ln 2 is split so that
 * n·LN2_HIGH and the first difference are exact. Then with Horner's scheme t = (((C6·r + C5)·r + C4)·r +
 * C3)·r + C2, and e = (t·(r·r) + r) + 1. The result is (e · 2^⌊n/2⌋) · 2^(n − ⌊n/2⌋): both powers are normal
 * numbers, the first product is exact, the second rounds a result below 2⁻¹²⁶ to a denormal or 0, and one
 * above the largest f32 to infinity. exp(±0) = 1, exp(−∞) = 0, exp(∞) = ∞, exp(NaN) = NaN. The constants are
 * in `numerics.ts`, which both implementations import. The result is within 2 ULP of eˣ (measured: 0.97).
 *
 * **silu.** `x / (1 + exp(−x))`. Hence −0 below −88.7, and NaN at −∞.
 *
 * **softmax.** The maximum is exact, and NaN if there is a NaN; p_i = exp(x_i − maximum); the denominator is
 * the sum by four of the p_i. If all values are −∞, or one is ∞, everything is NaN.
 *
 * **attention.** For one row and head, over the absolute positions t = 0 … startPosition + row: score_t =
 * (Σ_d q[d]·k_t[d], d ascending from +0) · scale; p and the denominator as in softmax; `out[d] = (Σ_t
 * p_t·v_t[d], t ascending from +0) / denominator`; both sums by `fma`, as a leaf's. Query head h reads key
 * and value head ⌊h · numKeyValueHeads / numAttentionHeads⌋.
 *
 * ## Preconditions
 * Every method checks the lengths and counts it is given. An array may be longer than asked for: the rest is
 * neither read nor written. An array that is written must not overlap one that is read, unless a method says
 * that it may.
 *
 * @throws KernelError from every method, before anything is written: if a count is not a whole number or out
 * of range, an array is too short, or an array does not lie in the memory of these kernels (`wasm.ts` only).
 */
export interface Kernels {
  readonly name: 'scalar' | 'wasm';

  /** Threads that share the work of a call, the calling one included. */
  readonly threads: number;

  /** Bytes allocated so far, packed matrices included. */
  readonly bytesAllocated: number;

  /** Releases the memory as soon as its arrays are unreachable. Every other method throws afterwards. */
  dispose(): void;

  /**
   * Allocates zeroed memory for the kernels to work on; it is released with the kernels.
   *
   * @throws KernelError if it is full.
   */
  allocate(length: number): Float32Array;
  allocateInt32(length: number): Int32Array;

  /**
   * Packs a matrix. It is read a few rows at a time, so there is never a second copy.
   *
   * @param shape leaves: by default {@link LEAVES}; otherwise 1, 2 or 4, which must divide the inputs
   * @param readRows called for ascending rows; the bytes it returns are not used after its next call
   */
  pack(
    shape: { outputs: number; inputs: number; dtype: WeightDtype; leaves?: number },
    readRows: ReadRows,
  ): PackedMatrix;

  /** Rows of a packed matrix, widened: `y[i] = W[ids[i]]`. @param y f32 [ids.length, inputs] */
  gather(matrix: PackedMatrix, ids: ArrayLike<number>, y: Float32Array): void;

  /** `y = x · Wᵀ`. @param x f32 [rows, inputs] @param y f32 [rows, outputs] */
  matmul(x: Float32Array, rows: number, matrix: PackedMatrix, y: Float32Array): void;

  /** RMSNorm (Zhang & Sennrich 2019) of each row. */
  rmsNorm(args: RmsNormArgs): void;

  /** RoPE (Su et al. 2021) in place, in HuggingFace's rotate-half form: pairs are (d, d + headDim/2). */
  rope(args: RopeArgs): void;

  /** Writes k and v into the cache. */
  storeKeyValue(args: StoreKeyValueArgs): void;

  /** Causal softmax attention of each sequence's rows over its cached positions, grouped-query. */
  attention(args: AttentionArgs): void;

  /** `gate[i] = silu(gate[i]) · up[i]` for i < length. */
  siluMultiply(gate: Float32Array, up: Float32Array, length: number): void;

  /** `x[i] += y[i]` for i < length. @param y may be x */
  add(x: Float32Array, y: Float32Array, length: number): void;

  /** `x[i] += scale · y[i]`, product and sum each rounded, for i < length. @param y may be x */
  addScaled(x: Float32Array, y: Float32Array, scale: number, length: number): void;

  /**
   * The index of the largest value of each row, of equal ones the lowest; −1 if a value of the row is NaN or
   * infinite.
   *
   * @param x f32 [rows, width], width at least 1 @param indices i32 [rows], written
   */
  argmax(x: Float32Array, rows: number, width: number, indices: Int32Array): void;
}
