import { BlockPool } from './block-pool.ts';
import { PrefixCache } from './prefix-cache.ts';
import type { Sequence } from './sequence.ts';

export interface BlockManagerOptions {
  numBlocks: number;
  /** Positions in a block. */
  blockSize: number;
  /** Whether sequences find what others with the same prefix have computed. Default true. */
  prefixCaching?: boolean;
  /**
   * Stands for everything besides tokens that decides a block's content, see {@link PrefixCache}. Default
   * ''.
   */
  salt?: string;
}

/** A whole block, copied in all layers. */
export interface BlockCopy {
  from: number;
  to: number;
}

/** Blocks now, and counts since the beginning. */
export interface BlockStats {
  /** Blocks that no sequence uses, whether cached or empty. */
  free: number;
  used: number;
  /** Blocks in the prefix cache, free or used. */
  cached: number;
  /** Cached blocks that were taken for other content. */
  evictions: number;
  /** Look-ups of a sequence's prefix, and the ones that found a cached block. */
  queries: number;
  hits: number;
  /** Positions found, which are not computed again. */
  savedTokens: number;
  /** Blocks copied because they were shared when a sequence was about to write (copy on write). */
  copies: number;
}

/** Gives blocks to sequences: shared ones where the content is equal, their own where they write. */
export class BlockManager {
  readonly blockSize: number;
  readonly numBlocks: number;
  readonly #pool: BlockPool;
  readonly #prefixCache: PrefixCache | undefined;
  readonly #counts = { queries: 0, hits: 0, savedTokens: 0, copies: 0 };

  /** @throws RangeError if a size is not a positive whole number. */
  constructor({ numBlocks, blockSize, prefixCaching = true, salt = '' }: BlockManagerOptions) {
    if (!Number.isInteger(blockSize) || blockSize < 1) {
      throw new RangeError(`blockSize is ${blockSize}; expected a whole number, 1 or more`);
    }
    this.blockSize = blockSize;
    this.numBlocks = numBlocks;
    this.#prefixCache = prefixCaching ? new PrefixCache(blockSize, salt) : undefined;
    this.#pool = new BlockPool(numBlocks, (block) => this.#prefixCache?.forget(block));
  }

  /** Whether a sequence of `numTokens` tokens fits into the whole cache. */
  fits(numTokens: number): boolean {
    return this.#blocksFor(numTokens) <= this.numBlocks;
  }

  /**
   * Gives a sequence without blocks the cached blocks of its prefix, if enough other blocks are free for the
   * tokens of its next step: {@link grow} by the remaining tokens, at most `maxTokens`, then succeeds.
   *
   * @returns whether they are; if not, nothing is taken, changed or counted.
   * @throws RangeError if the sequence has blocks.
   */
  admit(sequence: Sequence, maxTokens: number): boolean {
    if (sequence.blockTable.length > 0) {
      throw new RangeError(`sequence ${sequence.id} is admitted, but it already has blocks`);
    }
    // Log-probabilities of the prompt need every position computed.
    const prefixCache = sequence.request.promptLogprobs === undefined ? this.#prefixCache : undefined;
    const prefix = prefixCache?.find(sequence.tokens, sequence.blockHashes, sequence.cacheSalt);
    const found = prefix?.blocks ?? [];
    const cachedTokens = found.length * this.blockSize;
    const end = Math.min(sequence.numTokens, cachedTokens + maxTokens);
    const unowned = found.filter((block) => this.#pool.refCount(block) === 0).length;
    if (this.#blocksFor(end) - found.length > this.#pool.numFreeBlocks - unowned) return false;
    for (const block of found) this.#pool.retain(block);
    sequence.blockTable = found;
    sequence.numComputedTokens = cachedTokens;
    if (prefix) {
      if (prefix.hashes.length > sequence.blockHashes.length) sequence.blockHashes = prefix.hashes;
      this.#counts.queries += 1;
      this.#counts.hits += found.length > 0 ? 1 : 0;
      this.#counts.savedTokens += cachedTokens;
    }
    return true;
  }

  /**
   * Makes the next `numTokens` positions of a sequence writable: new blocks where it has none, copies of
   * shared ones (copy on write).
   *
   * @param numDraftTokens positions beyond them, which may come to nothing, see {@link trim}.
   * @returns the copies to make before the step, in this order, because the source of one may be the target
   * of the next; undefined, and nothing is taken, if too few blocks are free.
   * @throws RangeError if the sequence has fewer tokens to compute.
   */
  grow(sequence: Sequence, numTokens: number, numDraftTokens = 0): BlockCopy[] | undefined {
    this.#checkCount('grown', sequence, numTokens);
    const { blockTable, numComputedTokens } = sequence;
    const end = this.#blocksFor(numComputedTokens + numTokens + numDraftTokens);
    const shared: number[] = [];
    for (let i = Math.floor(numComputedTokens / this.blockSize); i < Math.min(end, blockTable.length); i++) {
      if (this.#pool.refCount(blockTable[i]) > 1) shared.push(i);
    }
    if (shared.length + Math.max(0, end - blockTable.length) > this.#pool.numFreeBlocks) return undefined;
    const copies = shared.map((i) => {
      const copy = { from: blockTable[i], to: this.#pool.take()! };
      this.#release(copy.from);
      blockTable[i] = copy.to;
      return copy;
    });
    this.#counts.copies += copies.length;
    while (blockTable.length < end) blockTable.push(this.#pool.take()!);
    return copies;
  }

  /**
   * Counts the next `numTokens` positions as computed, and caches the blocks that have become full.
   *
   * @throws RangeError if the sequence has fewer tokens to compute, or no blocks for them.
   */
  commit(sequence: Sequence, numTokens: number): void {
    this.#checkCount('committed', sequence, numTokens);
    const { blockTable, blockHashes, tokens } = sequence;
    const end = sequence.numComputedTokens + numTokens;
    if (this.#blocksFor(end) > blockTable.length) {
      throw new RangeError(
        `${end} positions of sequence ${sequence.id} are committed, but it has ${blockTable.length} blocks of ${this.blockSize}`,
      );
    }
    const [firstFull, endFull] = [sequence.numComputedTokens, end].map((n) => Math.floor(n / this.blockSize));
    sequence.numComputedTokens = end;
    if (!this.#prefixCache) return;
    for (let i = firstFull; i < endFull; i++) {
      blockHashes[i] ??= this.#prefixCache.hash(
        blockHashes[i - 1] ?? this.#prefixCache.root(sequence.cacheSalt),
        tokens.slice(i * this.blockSize, (i + 1) * this.blockSize),
      );
      this.#prefixCache.add(blockHashes[i], blockTable[i]);
    }
  }

  /** Frees the blocks beyond the computed positions: those of draft tokens that were rejected. */
  trim({ blockTable, numComputedTokens }: Sequence): void {
    const end = this.#blocksFor(numComputedTokens);
    for (const block of blockTable.splice(end).toReversed()) this.#release(block);
  }

  /**
   * Lets a second sequence continue what the first has computed. They share its blocks until one of them
   * writes.
   *
   * @throws RangeError if the child has blocks, or does not begin with the parent's computed tokens.
   */
  fork(parent: Sequence, child: Sequence): void {
    const { numComputedTokens, tokens } = parent;
    if (child.blockTable.length > 0) {
      throw new RangeError(`sequence ${child.id} is forked off ${parent.id}, but it already has blocks`);
    }
    for (let i = 0; i < numComputedTokens; i++) {
      if (child.tokens[i] === tokens[i]) continue;
      throw new RangeError(
        `sequence ${child.id} is forked off ${parent.id}, but at position ${i} its token is ${child.tokens[i]}, not ${tokens[i]}`,
      );
    }
    child.blockTable = parent.blockTable.slice(0, this.#blocksFor(numComputedTokens));
    for (const block of child.blockTable) this.#pool.retain(block);
    child.blockHashes = parent.blockHashes.slice(0, Math.floor(numComputedTokens / this.blockSize));
    child.numComputedTokens = numComputedTokens;
  }

  /** Frees all blocks of a sequence. Its tokens must be found in the prefix cache or computed again. */
  free(sequence: Sequence): void {
    // The last block first, so that it is evicted first: a chain is found from its beginning only.
    for (const block of sequence.blockTable.toReversed()) this.#release(block);
    sequence.blockTable = [];
    sequence.numComputedTokens = 0;
  }

  /** Number of sequences that share a block. @throws RangeError if there is no such block. */
  refCount(block: number): number {
    return this.#pool.refCount(block);
  }

  stats(): BlockStats {
    const free = this.#pool.numFreeBlocks;
    return {
      free,
      used: this.numBlocks - free,
      cached: this.#prefixCache?.size ?? 0,
      evictions: this.#pool.numEvictions,
      ...this.#counts,
    };
  }

  #blocksFor(numTokens: number): number {
    return Math.ceil(numTokens / this.blockSize);
  }

  #release(block: number): void {
    this.#pool.release(block, this.#prefixCache?.has(block));
  }

  #checkCount(what: string, sequence: Sequence, numTokens: number): void {
    const most = sequence.numUncomputedTokens;
    if (Number.isInteger(numTokens) && numTokens >= 1 && numTokens <= most) return;
    throw new RangeError(
      `sequence ${sequence.id} is ${what} by ${numTokens} tokens; expected a whole number, 1 to ${most}`,
    );
  }
}
