import { hash as digest } from 'node:crypto';

const HASH_BYTES = 32;

/** Cached blocks in order of position, and their chain hashes. */
export interface CachedPrefix {
  blocks: number[];
  hashes: string[];
}

/**
 * Finds the blocks that hold the keys and values of given tokens. Keys and values depend on all tokens
 * before them, so a block is found by a chained hash: of its own token ids and of the hash of the block
 * before it, its parent. The chain begins with a salt for everything else that decides the content.
 */
export class PrefixCache {
  readonly blockSize: number;
  /** The parent hash of every first block, of requests without a salt of their own. */
  readonly #root: string;
  readonly #blocks = new Map<string, number>();
  readonly #hashes = new Map<number, string>();
  /** Parent, then the ids as little-endian i32. */
  readonly #message: Buffer;

  /**
   * @param salt equal only for caches with the same weights and kernels, whose content is interchangeable.
   */
  constructor(blockSize: number, salt = '') {
    this.blockSize = blockSize;
    // Hashed, so that no salt equals the hash of a block.
    this.#root = digest('sha256', salt, 'hex');
    this.#message = Buffer.alloc(HASH_BYTES + 4 * blockSize);
  }

  /** Number of cached blocks. */
  get size(): number {
    return this.#blocks.size;
  }

  /**
   * The parent hash of first blocks.
   *
   * @param salt of a request: its blocks are found by requests with the same salt only.
   */
  root(salt: string | undefined): string {
    return salt === undefined ? this.#root : digest('sha256', `${this.#root} ${salt}`, 'hex');
  }

  /**
   * @param parent the chain hash of the block before this one, for the first one {@link root}; by default
   * that of requests without a salt.
   * @param ids the token ids of one block.
   * @returns SHA-256 as hexadecimal digits.
   * @throws RangeError if the block is not full.
   */
  hash(parent: string | undefined, ids: readonly number[]): string {
    if (ids.length !== this.blockSize) {
      throw new RangeError(
        `a block of ${ids.length} tokens is hashed; expected a full block of ${this.blockSize}`,
      );
    }
    this.#message.write(parent ?? this.#root, 'hex');
    ids.forEach((id, i) => {
      this.#message.writeInt32LE(id, HASH_BYTES + 4 * i);
    });
    return digest('sha256', this.#message, 'hex');
  }

  /**
   * The longest cached prefix. It never covers the last token, which must be computed for its logits.
   *
   * @param known chain hashes of the first blocks that the caller has computed before.
   * @param salt of the request, see {@link root}.
   */
  find(tokens: readonly number[], known: readonly string[] = [], salt?: string): CachedPrefix {
    const prefix: CachedPrefix = { blocks: [], hashes: [] };
    const most = Math.floor((tokens.length - 1) / this.blockSize);
    for (let i = 0; i < most; i++) {
      const ids = () => tokens.slice(i * this.blockSize, (i + 1) * this.blockSize);
      const hash = known[i] ?? this.hash(prefix.hashes[i - 1] ?? this.root(salt), ids());
      const block = this.#blocks.get(hash);
      if (block === undefined) break;
      prefix.blocks.push(block);
      prefix.hashes.push(hash);
    }
    return prefix;
  }

  /**
   * Caches a block under a hash.
   *
   * @returns false, and nothing changes, if another block with the same content is cached already.
   * @throws RangeError if the block is cached under another hash: `forget` must come before new content.
   */
  add(hash: string, block: number): boolean {
    const known = this.#hashes.get(block);
    if (known !== undefined && known !== hash) {
      throw new RangeError(`block ${block} is cached as ${known}; forget it before it is cached as ${hash}`);
    }
    const other = this.#blocks.get(hash);
    if (other !== undefined) return other === block;
    this.#blocks.set(hash, block);
    this.#hashes.set(block, hash);
    return true;
  }

  /** Whether this block is cached. */
  has(block: number): boolean {
    return this.#hashes.has(block);
  }

  /** Removes a block whose content is lost. */
  forget(block: number): void {
    const hash = this.#hashes.get(block);
    if (hash === undefined) return;
    this.#hashes.delete(block);
    this.#blocks.delete(hash);
  }
}
