// The numbers that fix the result of the kernels. The TypeScript and the AssemblyScript side both import
// this file.

/**
 * Leaves that a matmul's sum over its inputs is cut into. A power of two, as the sizes of tensor parallelism
 * are.
 */
export const LEAVES = 8;

// exp. Each number is exactly an f32; kernels.ts has the formula under "exp".

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
