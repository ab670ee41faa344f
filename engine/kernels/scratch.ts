import { PANEL, TILE_ROWS } from './abi.ts';
import type { KernelMemory } from './memory.ts';
import { LEAVES } from './numerics.ts';

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
/** Rows of a matmul that are computed together, so few that a thread's part of them stays in its cache. */
export const BLOCK_ROWS = 256;
/** Bytes of the sums of a thread's tiles, for a block of rows. */
const TILES_BYTES = Math.ceil(BLOCK_ROWS / TILE_ROWS) * TILE_ROWS * LEAVES * PANEL * FLOAT;

/** Sets the address of thread 0's scratch memory, and the bytes from a thread's to the next one's. */
export type SetScratch = (address: number, bytes: number) => void;

/**
 * The working memory of matmuls and attention: the rows of a block in strips, and for each thread its own.
 */
export class Scratch {
  readonly #memory: KernelMemory;
  readonly #threads: number;
  readonly #setScratch: SetScratch;
  #inputs = 0;
  #leaf = 0;
  #strips = 0;

  constructor(memory: KernelMemory, threads: number, setScratch: SetScratch) {
    this.#memory = memory;
    this.#threads = threads;
    this.#setScratch = setScratch;
  }

  /**
   * Makes room for a matrix: the rows of a block, and for each thread a widened leaf of a panel and its
   * tiles' sums.
   *
   * @returns the address of the strips, f32 [BLOCK_ROWS, inputs].
   * @throws KernelError if too little memory is left.
   */
  require(inputs: number, leaves: number = LEAVES): number {
    const leaf = Math.ceil(inputs / leaves);
    if (inputs > this.#inputs || leaf > this.#leaf) {
      this.#grow(Math.max(inputs, this.#inputs), Math.max(leaf, this.#leaf));
    }
    return this.#strips;
  }

  #grow(inputs: number, leaf: number): void {
    const strips = this.#memory.allocate(BLOCK_ROWS * inputs * FLOAT);
    const bytes = leaf * PANEL * FLOAT + TILES_BYTES;
    this.#setScratch(this.#memory.allocate(this.#threads * bytes), bytes);
    // Set last: a call after memory ran out is refused again.
    this.#strips = strips;
    this.#inputs = inputs;
    this.#leaf = leaf;
  }
}
