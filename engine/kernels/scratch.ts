import { LEAVES, PANEL } from './constants.ts';
import type { KernelMemory } from './memory.ts';

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
/** Rows of a matmul that are computed together: what of them a thread works on stays in its cache. */
export const BLOCK_ROWS = 128;
/** What a thread's tiles of a block of rows are summed in. */
const TILES_BYTES = BLOCK_ROWS * LEAVES * PANEL * FLOAT;

/** Tells the compiled kernels where the scratch memory of thread 0 is, and the bytes to that of the next. */
export type SetScratch = (address: number, bytes: number) => void;

/** The memory that matmuls and attention work in: the rows of a block in strips, and for each thread its own. */
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
   * Makes room for a matrix: the rows of a block, and for each thread a widened leaf of a panel and its tiles' sums.
   *
   * @returns the address of the strips, f32 [BLOCK_ROWS, inputs].
   * @throws KernelError if there is no memory left for it.
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
    // At last, so that whoever goes on after memory ran out is refused again.
    this.#strips = strips;
    this.#inputs = inputs;
    this.#leaf = leaf;
  }
}
