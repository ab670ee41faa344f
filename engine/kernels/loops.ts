import { FEW_QUERIES, PANEL, TILE_ROWS, WIDENING_TILE_ROWS } from './abi.ts';
import type { SharedMemory } from './web-assembly.ts';

/** The vector loops that `assembly/index.ts` exports beside the functions for threads, by name. */
export type Loops = Readonly<Record<string, (...args: number[]) => unknown>>;

/** Positions or inputs of a product, more than a block of the cache. */
const LENGTH = 19;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;
const PANEL_BYTES = PANEL * FLOAT;

// Where things lie in the memory.
const X = 1024;
const W = 4096;
const RUN = 16_384;
const BLOCK_TABLE = RUN + 64;
const SUMS = 20_480;
const RESULTS = 28_672;
/** Room for the result of a loop. */
const RESULT_BYTES = 512;

/** The arguments with which each loop computes a small product, and writes it to `result`. */
const ARGUMENTS: Record<string, (result: number) => number[]> = {};
for (let rows = 1; rows <= TILE_ROWS; rows++) {
  const end = X + LENGTH * rows * FLOAT;
  ARGUMENTS[`panel${rows}`] = (result) => [X, end, W, PANEL_BYTES, result];
  ARGUMENTS[`half${rows}`] = (result) => [X, end, W, PANEL_BYTES, result];
  if (rows <= WIDENING_TILE_ROWS) ARGUMENTS[`bf16x${rows}`] = (result) => [X, end, W, PANEL_BYTES, result];
  ARGUMENTS[`values16x${rows}`] = (result) => [RUN, W, result];
  ARGUMENTS[`values8x${rows}`] = (result) => [RUN, W, result];
  if (rows <= FEW_QUERIES) ARGUMENTS[`valueRows${rows}`] = (result) => [RUN, W, result];
}
for (const dtype of ['F32', 'F16', 'BF16']) {
  ARGUMENTS[`fourPanels${dtype}`] = (result) => [X, X + LENGTH * FLOAT, W, LENGTH, result];
}
ARGUMENTS.addEightLeaves = (result) => [SUMS, SUMS + 2 * PANEL_BYTES, result, PANEL_BYTES];
ARGUMENTS.replaceByExp = (result) => [result, result + 2 * PANEL_BYTES, 2];
ARGUMENTS.replaceBySilu = (result) => [result, result + 2 * PANEL_BYTES, X];

/** The names of all loops, and of those that run where vectors have 256 bits. */
export const LOOPS: readonly string[] = Object.keys(ARGUMENTS);
export const WIDE_LOOPS: readonly string[] = LOOPS.filter((name) => !/^(half|values8x)/.test(name));

/**
 * Computes a small product with loops.
 *
 * @param memory of the instance that has the loops, of 64 KiB at least; overwritten
 * @returns what each loop wrote, by name.
 */
export function runLoops(
  loops: Loops,
  memory: SharedMemory,
  names: readonly string[],
): Map<string, Uint8Array> {
  fill(memory);
  return new Map(
    names.map((name, i) => {
      const result = RESULTS + i * RESULT_BYTES;
      loops[name](...ARGUMENTS[name](result));
      return [name, new Uint8Array(memory.buffer, result, RESULT_BYTES).slice()];
    }),
  );
}

/** Plain numbers of both signs, from 2⁻⁷ to 2³, whether they are read as f32, bf16 or f16. */
function fill(memory: SharedMemory): void {
  const words = new Uint16Array(memory.buffer);
  // A linear congruential generator (Knuth's MMIX has 64 bits; these are the constants of Numerical Recipes).
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = ((state >>> 16) & 0x807f) | ((120 + ((state >>> 8) % 10)) << 7);
  }
  const blockBytes = 16 * PANEL_BYTES;
  // A ValueRun of assembly/attention/value-tile.ts.
  const run = [X, LENGTH * FLOAT, 0, LENGTH, BLOCK_TABLE, 16, blockBytes, PANEL_BYTES];
  new Uint32Array(memory.buffer, RUN, run.length).set(run);
  new Uint32Array(memory.buffer, BLOCK_TABLE, 2).set([1, 0]);
}
