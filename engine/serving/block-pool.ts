/**
 * Who owns the blocks of the key/value cache. A block is owned (one reference or more), or free; a free block is
 * empty, or still holds keys and values that somebody may ask for again until the block is needed.
 * Pure bookkeeping: the memory itself is the cache's.
 */
export class BlockPool {
  readonly numBlocks: number;
  readonly #onEvict: (block: number) => void;
  /** References to each block. */
  readonly #refCounts: Uint32Array;
  readonly #empty: number[];
  /** Free blocks with content worth keeping, the least recently released first. */
  readonly #evictable = new Set<number>();
  #numEvictions = 0;

  /**
   * @param onEvict is told of a block whose content is about to be lost.
   * @throws RangeError if `numBlocks` is not a positive whole number.
   */
  constructor(numBlocks: number, onEvict: (block: number) => void = () => {}) {
    if (!Number.isInteger(numBlocks) || numBlocks < 1) {
      throw new RangeError(`a pool of ${numBlocks} blocks; expected a whole number, 1 or more`);
    }
    this.numBlocks = numBlocks;
    this.#onEvict = onEvict;
    this.#refCounts = new Uint32Array(numBlocks);
    // Handed out from the lowest on, which keeps a first sequence's blocks adjacent.
    this.#empty = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  /** Blocks that can be taken: empty ones and those whose content would be evicted. */
  get numFreeBlocks(): number {
    return this.#empty.length + this.#evictable.size;
  }

  /** Blocks that lost their content to a new owner so far. */
  get numEvictions(): number {
    return this.#numEvictions;
  }

  /** @returns how many references there are to a block, 0 if it is free. @throws RangeError if there is no such block. */
  refCount(block: number): number {
    const count = this.#refCounts[block];
    if (count === undefined) {
      throw new RangeError(`there is no block ${block}; the pool has 0 to ${this.numBlocks - 1}`);
    }
    return count;
  }

  /** @returns an empty block, or else the one released least recently, with one reference; undefined if none is free. */
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
   * One more reference to a block that is owned, or free but with its content kept.
   *
   * @throws RangeError if there is no such block, or it is empty: its content is anybody's.
   */
  retain(block: number): void {
    if (this.refCount(block) === 0 && !this.#evictable.delete(block)) {
      throw new RangeError(`block ${block} is retained, but it is empty`);
    }
    this.#refCounts[block] += 1;
  }

  /**
   * One reference less; after the last one the block is free.
   *
   * @param isCached its content is worth keeping until the block is needed.
   * @throws RangeError if there is no such block, or nobody owns it: it would be handed out twice.
   */
  release(block: number, isCached = false): void {
    if (this.refCount(block) === 0) throw new RangeError(`block ${block} is released, but nobody owns it`);
    this.#refCounts[block] -= 1;
    if (this.#refCounts[block] > 0) return;
    if (isCached) this.#evictable.add(block);
    else this.#empty.push(block);
  }
}
