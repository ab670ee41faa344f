import type { BlockCopy, BlockManager } from '../../engine/serving/block-manager.ts';
import type { Sequence } from '../../engine/serving/sequence.ts';

/**
 * The content of a cache: for each position of each block, the token ids that its keys and values were
 * computed from, which are all ids up to that position. It does not use hashes, so it finds wrong ones.
 */
export class SimulatedMemory {
  readonly blockSize: number;
  readonly #slots = new Map<string, string>();

  constructor(blockSize: number) {
    this.blockSize = blockSize;
  }

  copy(copies: readonly BlockCopy[]): void {
    for (const { from, to } of copies) {
      for (let offset = 0; offset < this.blockSize; offset++) {
        this.#slots.set(`${to}.${offset}`, this.#slots.get(`${from}.${offset}`) ?? 'nothing');
      }
    }
  }

  /** Computes the next positions. @throws Error if an earlier position is not what it should be. */
  compute(sequence: Sequence, numTokens: number, draft: readonly number[] = []): void {
    this.assertComputed(sequence);
    const { cacheSalt, numComputedTokens } = sequence;
    const tokens = [...sequence.tokens, ...draft];
    for (let i = 0; i < numTokens + draft.length; i++) {
      const position = numComputedTokens + i;
      this.#slots.set(this.#slotOf(sequence, position), contentAt({ tokens, cacheSalt }, position));
    }
  }

  /** @throws Error if a computed position does not hold the content of its tokens. */
  assertComputed(sequence: Sequence): void {
    for (let position = 0; position < sequence.numComputedTokens; position++) {
      const got = this.#slots.get(this.#slotOf(sequence, position));
      const expected = contentAt(sequence, position);
      if (got === expected) continue;
      throw new Error(`position ${position} of sequence ${sequence.id} holds ${got}, expected ${expected}`);
    }
  }

  #slotOf({ id, blockTable }: Sequence, position: number): string {
    const block = blockTable[Math.floor(position / this.blockSize)];
    if (block === undefined) throw new Error(`sequence ${id} has no block for position ${position}`);
    return `${block}.${position % this.blockSize}`;
  }
}

/** The tokens that decide the keys and values of a position, and the salt that they are shared by. */
export const contentAt = ({ tokens, cacheSalt }: Pick<Sequence, 'tokens' | 'cacheSalt'>, position: number) =>
  `${cacheSalt}: ${tokens.slice(0, position + 1)}`;

/**
 * @param sequences all sequences that may have blocks.
 * @throws Error if blocks are lost or miscounted, or hold other content than their sequences expect.
 */
export function assertSound(
  manager: BlockManager,
  memory: SimulatedMemory,
  sequences: readonly Sequence[],
): void {
  const owners = countOwners(sequences);
  for (let block = 0; block < manager.numBlocks; block++) {
    const [count, expected] = [manager.refCount(block), owners.get(block) ?? 0];
    if (count !== expected) throw new Error(`block ${block} has ${count} references, but ${expected} owners`);
  }
  const { free, used } = manager.stats();
  if (used !== owners.size || free + used !== manager.numBlocks) {
    throw new Error(
      `${free} blocks are free, ${used} used; ${owners.size} of ${manager.numBlocks} are owned`,
    );
  }
  for (const sequence of sequences) memory.assertComputed(sequence);
}

/** @returns how many sequences have a block. @throws Error if one has it twice. */
export function countOwners(sequences: readonly Sequence[]): Map<number, number> {
  const owners = new Map<number, number>();
  for (const { id, blockTable } of sequences) {
    if (new Set(blockTable).size < blockTable.length)
      throw new Error(`${id} has a block twice: ${blockTable}`);
    for (const block of blockTable) owners.set(block, (owners.get(block) ?? 0) + 1);
  }
  return owners;
}

/**
 * The blocks that a sequence is about to write.
 *
 * @throws Error if a position has no block, or shares its block with another sequence.
 */
export function blocksToWrite(manager: BlockManager, sequence: Sequence, numTokens: number): number[] {
  const { numComputedTokens, blockTable, id } = sequence;
  const first = Math.floor(numComputedTokens / manager.blockSize);
  const end = Math.ceil((numComputedTokens + numTokens) / manager.blockSize);
  if (blockTable.length < end) throw new Error(`${id} has ${blockTable.length} blocks, but needs ${end}`);
  const blocks = blockTable.slice(first, end);
  for (const block of blocks) {
    if (manager.refCount(block) !== 1) throw new Error(`${id} writes block ${block}, which is shared`);
  }
  return blocks;
}
