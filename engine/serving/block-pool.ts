/** Which blocks of the key/value cache are free. Pure bookkeeping: the memory itself is the cache's. */
export class BlockPool {
  readonly numBlocks: number;
  readonly #free: number[];
  readonly #used = new Set<number>();

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    // Handed out from the lowest on, which keeps a first sequence's blocks adjacent.
    this.#free = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  get numFreeBlocks(): number {
    return this.#free.length;
  }

  /** @returns a block table of `count` blocks, or undefined, and nothing taken, if there are not as many. */
  allocate(count: number): Int32Array | undefined {
    if (count > this.#free.length) return undefined;
    const blocks = Int32Array.from({ length: count }, () => this.#free.pop()!);
    for (const block of blocks) this.#used.add(block);
    return blocks;
  }

  /** Gives blocks back. @throws RangeError if one of them was not handed out: two owners would share it. */
  free(blocks: Iterable<number>): void {
    for (const block of blocks) {
      if (!this.#used.delete(block)) throw new RangeError(`block ${block} is freed, but nobody owns it`);
      this.#free.push(block);
    }
  }
}
