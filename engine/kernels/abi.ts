// What the TypeScript and the AssemblyScript side of the kernels agree on. Both languages import this file,
// so it uses only what they share. `number` is f64 in AssemblyScript: it holds every address, count and f32
// exactly.

/** Outputs in a panel of a packed matrix. */
export const PANEL = 16;

/** The most rows of activations that a tile of a matmul takes at once. */
export const TILE_ROWS = 6;

/** The most rows of a tile that widens bf16 weights as it reads them, which takes registers too. */
export const WIDENING_TILE_ROWS = 5;

/**
 * Rows up to which each strip widens bf16 weights anew, which costs less than to store them widened; and with
 * vectors of 128 bits, where too few registers are left for more than one strip.
 */
export const FEW_ROWS = 32;
export const FEW_ROWS_NARROW = 4;

/** Queries that share a key head and go through the cache together: four tiles. */
export const QUERIES = 24;

/** Queries of a strip up to which values are read in the order of memory; and with vectors of 128 bits. */
export const FEW_QUERIES = 4;
export const FEW_QUERIES_NARROW = 2;

/** The most queries of a unit of attention that takes several key heads. */
export const UNIT_QUERIES = 32;

/** 32-bit words of a sequence's record in the tables of attention (assembly/attention/sequence.ts). */
export const SEQUENCE_WORDS = 4;

/** Bytes of a job in shared memory (assembly/threads/job.ts) before the kernel's arguments. */
export const JOB_BYTES = 64;

/** The most arguments that a kernel can have. */
export const MAX_ARGUMENTS = 16;

// The numbers of the kernels. Each has a row in table.ts and a case in assembly/threads/run.ts.

export const KERNEL_MATMUL_F32 = 0;
export const KERNEL_MATMUL_F16 = 1;
export const KERNEL_MATMUL_BF16 = 2;
export const KERNEL_GATHER_F32 = 3;
export const KERNEL_GATHER_F16 = 4;
export const KERNEL_GATHER_BF16 = 5;
export const KERNEL_PACK_ROWS = 6;
export const KERNEL_PACK_PANELS_16 = 7;
export const KERNEL_PACK_PANELS_32 = 8;
export const KERNEL_ATTENTION = 9;
export const KERNEL_ATTENTION_TILED = 10;
export const KERNEL_STORE_KEY_VALUE = 11;
export const KERNEL_RMS_NORM = 12;
export const KERNEL_ROPE = 13;
export const KERNEL_SILU_MULTIPLY = 14;
export const KERNEL_ADD = 15;
export const KERNEL_ADD_SCALED = 16;
export const KERNEL_ARGMAX = 17;

// The arguments of the kernels. They lie in memory in the order of the fields, 8 bytes each. Arrays are
// given by their address in bytes. A kernel splits its outputs into units, which threads compute
// independently.

/** y = x · Wᵀ. A unit is a panel. */
export class MatmulArguments {
  /** One row, f32 [inputs], or more rows in strips as the kernel "pack rows" writes them. */
  x: number = 0;
  rows: number = 0;
  /** Strips of the rows. */
  numStrips: number = 0;
  inputs: number = 0;
  /** Packed weights, [outputs / PANEL][inputs][PANEL]. */
  panels: number = 0;
  outputs: number = 0;
  /** f32 [rows, outputs], written. */
  y: number = 0;
  /** Leaves of a sum over the inputs: 1, 2, 4 or 8. */
  leaves: number = 0;
  /** Not 0 where V8 fuses vectors to 256 bits: tiles of 16 outputs, not of 8. */
  isWide: number = 0;
}

/** y = W[id], widened to f32. There is one unit. */
export class GatherArguments {
  panels: number = 0;
  inputs: number = 0;
  /** Which output of the matrix. */
  id: number = 0;
  /** f32 [inputs], written. */
  y: number = 0;
}

/** Copies rows into strips (assembly/matmul/strips.ts). A unit is a strip. */
export class PackRowsArguments {
  /** f32 [rows, inputs]. */
  x: number = 0;
  rows: number = 0;
  numStrips: number = 0;
  inputs: number = 0;
  /** f32 [strips][inputs][rows of the strip], written. */
  strips: number = 0;
}

/** Packs rows of a weight matrix; see PackedMatrix in kernels.ts. A unit is a panel. */
export class PackPanelsArguments {
  /** [rows, inputs], in the checkpoint's dtype. */
  weights: number = 0;
  rows: number = 0;
  inputs: number = 0;
  /** Zeroed; rows that the last panel lacks stay zero. */
  panels: number = 0;
}

/**
 * Causal softmax attention. A unit is a (row, head) pair; when tiled, up to {@link QUERIES} queries of a
 * sequence that share a key head, or all queries of several key heads.
 */
export class AttentionArguments {
  // As AttentionArgs in kernels.ts describes them.
  q: number = 0;
  out: number = 0;
  keys: number = 0;
  values: number = 0;
  /** The sequences' records, one after the other, each of {@link SEQUENCE_WORDS}. */
  sequences: number = 0;
  blockSize: number = 0;
  numAttentionHeads: number = 0;
  numKeyValueHeads: number = 0;
  headDim: number = 0;
  scale: number = 0;
  scores: number = 0;
  /** Bytes from the scores of a thread to those of the next. */
  scoresBytes: number = 0;
  /** Key heads of a unit, when tiled, for a sequence with no more than {@link UNIT_QUERIES} in them. */
  headsPerUnit: number = 0;
  /** As in {@link MatmulArguments}. */
  isWide: number = 0;
}

/** Writes keys and values into the cache. A unit is a row. */
export class StoreKeyValueArguments {
  // As StoreKeyValueArgs in kernels.ts describes them.
  k: number = 0;
  v: number = 0;
  keys: number = 0;
  values: number = 0;
  slots: number = 0;
  blockSize: number = 0;
  numKeyValueHeads: number = 0;
  headDim: number = 0;
}

/** RMSNorm; y may be x. A unit is a row. */
export class RmsNormArguments {
  /** f32 [rows, width]. */
  x: number = 0;
  /** f32 [width]. */
  weight: number = 0;
  width: number = 0;
  eps: number = 0;
  /** f32 [rows, width], written. */
  y: number = 0;
}

/** RoPE in place. A unit is a row. */
export class RopeArguments {
  /** f32 [rows, heads, headDim]. */
  x: number = 0;
  heads: number = 0;
  headDim: number = 0;
  /** f32 [rows, headDim / 2]. */
  cos: number = 0;
  /** f32 [rows, headDim / 2]. */
  sin: number = 0;
}

/** gate[i] = silu(gate[i]) · up[i]. A unit is a value. */
export class SiluMultiplyArguments {
  gate: number = 0;
  up: number = 0;
}

/** x[i] += y[i]. A unit is a value. */
export class AddArguments {
  x: number = 0;
  y: number = 0;
}

/** x[i] += scale · y[i]. A unit is a value. */
export class AddScaledArguments {
  x: number = 0;
  y: number = 0;
  scale: number = 0;
}

/** The index of each row's largest value. A unit is a row. */
export class ArgmaxArguments {
  /** f32 [rows, width]. */
  x: number = 0;
  width: number = 0;
  /** i32 [rows], written. */
  indices: number = 0;
}
