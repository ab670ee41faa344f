import { LEAVES, PANEL, TILE_ROWS } from '../sizes';
import { Strips } from './strips';

/** Bytes of the sums of one leaf of a tile: up to {@link TILE_ROWS} pairs of a row and a panel. */
export const LEAF_BYTES: usize = TILE_ROWS * PANEL * sizeof<f32>();
/**
 * Bytes of the sums of a tile, f32 [LEAVES, TILE_ROWS, PANEL]; a shard's matrix uses the first of its leaves.
 */
export const TILE_BYTES: usize = LEAVES * LEAF_BYTES;

/**
 * Adds up the leaves of pairs of a row and a panel, and writes their first `count` outputs.
 *
 * @param sums,end of the pairs in the first leaf, f32 [pairs, PANEL]; overwritten
 * @param leaves 1, 2, 4, 8
 * @param y,yBytes outputs of the first pair, and the bytes to those of the next
 */
export function storeOutputs(
  sums: usize,
  end: usize,
  leaves: usize,
  y: usize,
  yBytes: usize,
  count: usize,
): void {
  if (leaves === 8 && count === PANEL) {
    addEightLeaves(sums, end, y, yBytes);
    return;
  }
  for (; sums < end; sums += PANEL * sizeof<f32>()) {
    for (let at = sums; at < sums + PANEL * sizeof<f32>(); at += 16) v128.store(at, Leaves.add(leaves, at));
    memory.copy(y, sums, count * sizeof<f32>());
    y += yBytes;
  }
}

/** Writes the outputs of a panel for all rows. @param tiles one for each strip; overwritten */
export function storeRows(
  tiles: usize,
  rows: usize,
  numStrips: usize,
  leaves: usize,
  y: usize,
  n: usize,
  outputs: usize,
): void {
  y += n * PANEL * 4;
  const present = min(PANEL, outputs - n * PANEL);
  for (let strip: usize = 0; strip < numStrips; strip++) {
    const width = Strips.width(rows, numStrips, strip);
    storeOutputs(tiles, tiles + width * PANEL * 4, leaves, y, outputs * 4, present);
    y += width * outputs * 4;
    tiles += TILE_BYTES;
  }
}

/** All leaves and outputs; exported by index.ts, as the tiles are, so that V8 fuses its vectors. */
export function addEightLeaves(sums: usize, end: usize, y: usize, yBytes: usize): void {
  for (; sums < end; sums += PANEL * sizeof<f32>()) {
    const y0 = Leaves.add(8, sums);
    const y1 = Leaves.add(8, sums + 16);
    const y2 = Leaves.add(8, sums + 32);
    const y3 = Leaves.add(8, sums + 48);
    v128.store(y, y0);
    v128.store(y, y1, 16);
    v128.store(y, y2, 32);
    v128.store(y, y3, 48);
    y += yBytes;
  }
}

class Leaves {
  /** ((l₀ + l₁) + (l₂ + l₃)) + ((l₄ + l₅) + (l₆ + l₇)) of four outputs, or a subtree of it. */
  @inline
  static add(leaves: usize, leaf: usize): v128 {
    if (leaves === 8) return f32x4.add(Leaves.four(leaf), Leaves.four(leaf + 4 * LEAF_BYTES));
    if (leaves === 4) return Leaves.four(leaf);
    if (leaves === 2) return Leaves.two(leaf);
    return v128.load(leaf);
  }

  @inline
  static four(leaf: usize): v128 {
    return f32x4.add(Leaves.two(leaf), Leaves.two(leaf + 2 * LEAF_BYTES));
  }

  @inline
  static two(leaf: usize): v128 {
    return f32x4.add(v128.load(leaf), v128.load(leaf + LEAF_BYTES));
  }
}
