import seedrandom from 'seedrandom';
import { approximatelyNormal, bfloat16Bits, distribution, type WeightRecipe } from './seeded-weights.ts';

/** Values of a tensor that have a stream of their own, 2 MB: any thread can draw any block of any tensor. */
export const BLOCK_VALUES = 2 ** 20;

/** What a block depends on beside its tensor. */
export type BlockRecipe = Pick<WeightRecipe, 'seed' | 'finalNormMean'>;

/** Different values in a tensor, at most: as many as 16 random bits tell apart. */
const TABLE_VALUES = 2 ** 16;

/** The blocks that a tensor's values are cut into, row-major. The last may be shorter. */
export function countBlocks(shape: readonly number[]): number {
  return Math.ceil(countValues(shape) / BLOCK_VALUES);
}

/**
 * Draws the weights of large checkpoints, block by block, spread as those of the small ones. `alea` takes 40 ns for a
 * value of four draws, half a minute for 600 million of them. So it draws a table of 65,536 values, and a seed for each
 * block, in which sfc32 (Chris Doty-Humphrey's PractRand) takes values from the table, two for each 32 bits.
 */
export class WeightBlocks {
  readonly #recipe: BlockRecipe;
  readonly #normal: Float64Array;
  readonly #tables = new Map<string, Uint16Array>();

  constructor(recipe: BlockRecipe) {
    this.#recipe = recipe;
    const random = seedrandom.alea(`${recipe.seed}/normal`);
    this.#normal = Float64Array.from({ length: TABLE_VALUES }, () => approximatelyNormal(random));
  }

  /**
   * @param name of the tensor, as HuggingFace's checkpoints have it.
   * @param block from 0 to {@link countBlocks} less one.
   * @returns bf16, the block's values.
   */
  draw(name: string, shape: readonly number[], block: number): Uint16Array {
    const table = this.#table(name, shape);
    const length = Math.min(BLOCK_VALUES, countValues(shape) - block * BLOCK_VALUES);
    const values = new Uint16Array(length);
    const seeds = seedrandom.alea(`${this.#recipe.seed}/${name}/${block}`);
    let [a, b, c, counter] = [seeds.int32(), seeds.int32(), seeds.int32(), seeds.int32()];
    for (let i = 0; i < length; i += 2) {
      const random = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + random) | 0;
      values[i] = table[random & 0xffff];
      // Of an odd length the last one falls outside, where nothing is stored.
      values[i + 1] = table[random >>> 16];
    }
    return values;
  }

  /** The table as a tensor's values are spread, in bf16. */
  #table(name: string, shape: readonly number[]): Uint16Array {
    const { mean, std } = distribution(name, shape, this.#recipe);
    const key = `${mean} ${std}`;
    const known = this.#tables.get(key);
    if (known) return known;
    const table = Uint16Array.from(this.#normal, (value) => bfloat16Bits(mean + std * value));
    this.#tables.set(key, table);
    return table;
  }
}

function countValues(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
