/**
 * Reference counts of the blocks of the key/value cache. A block is in use (one reference or more) or free;
 * a free block is empty, or still cached until it is needed. Pure bookkeeping: the memory belongs to
 * `KvCache`.
 */
export class BlockPool {
  readonly numBlocks: number;
  readonly #onEvict: (block: number) => void;
  /** References to each block. */
  readonly #refCounts: Uint32Array;
  readonly #empty: number[];
  /** Free blocks that are cached, the least recently released first. */
  readonly #evictable = new Set<number>();
  #numEvictions = 0;

  /**
   * @param onEvict called with a cached block whose content is about to be lost.
   * @throws RangeError if `numBlocks` is not a positive whole number.
   */
  constructor(numBlocks: number, onEvict: (block: number) => void = () => {}) {
    if (!Number.isInteger(numBlocks) || numBlocks < 1) {
      throw new RangeError(`a pool of ${numBlocks} blocks; expected a whole number, 1 or more`);
    }
    this.numBlocks = numBlocks;
    this.#onEvict = onEvict;
    this.#refCounts = new Uint32Array(numBlocks);
    // The lowest comes first, which keeps the blocks of a first sequence adjacent.
    this.#empty = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  /** Blocks that can be taken: empty ones, and cached ones, which are then evicted. */
  get numFreeBlocks(): number {
    return this.#empty.length + this.#evictable.size;
  }

  /** Cached blocks that were taken for other content so far. */
  get numEvictions(): number {
    return this.#numEvictions;
  }

  /**
   * @returns the number of references, 0 if the block is free.
   * @throws RangeError if there is no such block.
   */
  refCount(block: number): number {
    const count = this.#refCounts[block];
    if (count === undefined) {
      throw new RangeError(`there is no block ${block}; expected one from 0 to ${this.numBlocks - 1}`);
    }
    return count;
  }

  /** @returns an empty block, or the cached one released least recently; undefined if no block is free. */
  take(): number | undefined {
    let block = this.#empty.pop();
    if (block === undefined) {
      [block] = this.#evictable;
      if (block === undefined) return undefined;
      this.#evictable.delete(block);
      this.#numEvictions += 1;
      this.#onEvict(block);
    }
    this.#refCounts[block] = 1;
    return block;
  }

  /**
   * Adds a reference to a block that is in use, or free and cached.
   *
   * @throws RangeError if there is no such block, or it is empty.
   */
  retain(block: number): void {
    if (this.refCount(block) === 0 && !this.#evictable.delete(block)) {
      throw new RangeError(`block ${block} is retained, but it is empty`);
    }
    this.#refCounts[block] += 1;
  }

  /**
   * Removes a reference; without references the block is free.
   *
   * @param isCached whether to keep the content until the block is needed.
   * @throws RangeError if there is no such block, or it is free: it would be handed out twice.
   */
  release(block: number, isCached = false): void {
    if (this.refCount(block) === 0) throw new RangeError(`block ${block} is released, but it is free`);
    this.#refCounts[block] -= 1;
    if (this.#refCounts[block] > 0) return;
    if (isCached) this.#evictable.add(block);
    else this.#empty.push(block);
  }
}
