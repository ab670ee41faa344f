import { hash as digest } from 'node:crypto';

const HASH_BYTES = 32;

/** Blocks whose content is known, in order of position, and their chain hashes. */
export interface CachedPrefix {
  blocks: number[];
  hashes: string[];
}

/**
 * Finds the blocks that hold the keys and values of given tokens. Keys and values depend on all the tokens before
 * them, so a block's name is a chained hash: of its own token ids and of its parent, the block before it. The chain
 * begins with a salt, which stands for whatever else decides the content.
 */
export class PrefixCache {
  readonly blockSize: number;
  /** What the chain begins with, in place of a parent. */
  readonly #root: string;
  readonly #blocks = new Map<string, number>();
  readonly #hashes = new Map<number, string>();
  /** Parent, then the ids as little-endian i32. */
  readonly #message: Buffer;

  /** @param salt equal only for caches whose content is interchangeable: same weights, same kernels. */
  constructor(blockSize: number, salt = '') {
    this.blockSize = blockSize;
    // Hashed, so that no salt looks like a chain that has already begun.
    this.#root = digest('sha256', salt, 'hex');
    this.#message = Buffer.alloc(HASH_BYTES + 4 * blockSize);
  }

  /** How many blocks can be found. */
  get size(): number {
    return this.#blocks.size;
  }

  /**
   * @param parent the chain hash of the block before this one, undefined for the first.
   * @param ids the token ids of one block.
   * @returns SHA-256 as hexadecimal digits.
   * @throws RangeError if that is not a full block.
   */
  hash(parent: string | undefined, ids: readonly number[]): string {
    if (ids.length !== this.blockSize) {
      throw new RangeError(`a block of ${ids.length} tokens is hashed; full blocks have ${this.blockSize}`);
    }
    this.#message.write(parent ?? this.#root, 'hex');
    ids.forEach((id, i) => {
      this.#message.writeInt32LE(id, HASH_BYTES + 4 * i);
    });
    return digest('sha256', this.#message, 'hex');
  }

  /**
   * The longest cached prefix. It never covers all the tokens: the logits that follow the last one are wanted, so at
   * least that one is to be computed.
   *
   * @param known chain hashes of the first blocks, as far as the caller has them.
   */
  find(tokens: readonly number[], known: readonly string[] = []): CachedPrefix {
    const prefix: CachedPrefix = { blocks: [], hashes: [] };
    const most = Math.floor((tokens.length - 1) / this.blockSize);
    for (let i = 0; i < most; i++) {
      const ids = () => tokens.slice(i * this.blockSize, (i + 1) * this.blockSize);
      const hash = known[i] ?? this.hash(prefix.hashes[i - 1], ids());
      const block = this.#blocks.get(hash);
      if (block === undefined) break;
      prefix.blocks.push(block);
      prefix.hashes.push(hash);
    }
    return prefix;
  }

  /**
   * From now on the block is found under this hash.
   *
   * @returns false, and nothing changes, if another block with the same content is found already.
   * @throws RangeError if the block is known by another hash: its content was replaced before it was forgotten.
   */
  add(hash: string, block: number): boolean {
    const known = this.#hashes.get(block);
    if (known !== undefined && known !== hash) {
      throw new RangeError(
        `block ${block} is cached as ${hash}, but it still is as ${known}; forget it first`,
      );
    }
    const other = this.#blocks.get(hash);
    if (other !== undefined) return other === block;
    this.#blocks.set(hash, block);
    this.#hashes.set(block, hash);
    return true;
  }

  /** Whether this block can be found. */
  has(block: number): boolean {
    return this.#hashes.has(block);
  }

  /** The block's content is lost; nobody finds it any more. */
  forget(block: number): void {
    const hash = this.#hashes.get(block);
    if (hash === undefined) return;
    this.#hashes.delete(block);
    this.#blocks.delete(hash);
  }
}
