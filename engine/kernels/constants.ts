// The numbers that the TypeScript and the AssemblyScript kernels share: both import this file, so they cannot drift apart.

/** Outputs in a panel of a packed matrix. */
export const PANEL = 16;

/** Rows of activations that a tile of a matmul takes at once. */
export const STRIP = 4;

/** Queries that share a key head and go through the cache together. */
export const QUERIES = 16;

/** Equal parts ("leaves") a matmul's sum over k is cut into, and a power of two: the sizes of tensor parallelism. */
export const LEAVES = 8;

// exp. Each number is exactly an f32; how they are used is told under "exp" in kernels.ts.

/** Below this, exp rounds to 0. */
export const EXP_LOWEST = -104;
/** Above 88.73, exp rounds to infinity. */
export const EXP_HIGHEST = 89;
/** log₂ e. */
export const LOG2_E = 1.4426950216293335;
/** 1.5·2²³: added and subtracted again, it rounds an f32 to a whole number, ties to even. */
export const ROUNDER = 12582912;
/** The leading 15 bits of ln 2, so that its product with a whole number below 2⁸ is exact. */
export const LN2_HIGH = 0.693145751953125;
/** ln 2 − {@link LN2_HIGH}. */
export const LN2_LOW = 0.000001428606765330187;
// The coefficients of (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2: a minimax fit of eʳ in relative error (Lawson's
// algorithm), which leaves 4e-9 beside the rounding.
export const C2 = 0.4999999403953552;
export const C3 = 0.1666652113199234;
export const C4 = 0.04166838899254799;
export const C5 = 0.00836874544620514;
export const C6 = 0.0013814540579915047;

/** Bytes of a job in the threads' memory before its arguments, and how many arguments it can have. */
export const JOB_BYTES = 64;
export const JOB_ARGUMENTS = 16;

// The kernels that threads can share, as a job names them.
export const MATMUL_F32 = 0;
export const MATMUL_F16 = 1;
export const MATMUL_BF16 = 2;
export const PACK_ROWS = 3;
export const PACK_PANELS_16 = 4;
export const PACK_PANELS_32 = 5;
export const ATTENTION = 6;
export const ATTENTION_TILED = 7;
export const SILU_MULTIPLY = 8;
export const RMS_NORM = 9;
export const ROPE = 10;
export const STORE_KEY_VALUE = 11;
export const ADD = 12;
export const ADD_SCALED = 13;
