import { LEAVES, PANEL } from './sizes';

/** Bytes of the sums of one leaf of a tile: up to four pairs of a row and a panel. */
export const LEAF_BYTES: usize = 4 * PANEL * sizeof<f32>();
/** Bytes of the sums of a tile, f32 [LEAVES, pairs up to 4, PANEL]. */
export const TILE_BYTES: usize = LEAVES * LEAF_BYTES;

/** Adds up the leaves of one pair and writes its first `count` outputs. @param sums of its first leaf */
export function storeOutputs(sums: usize, y: usize, count: usize): void {
  if (count < PANEL) {
    for (let i: usize = 0; i < PANEL; i += 4) v128.store(sums + i * 4, tree(sums + i * 4));
    memory.copy(y, sums, count * sizeof<f32>());
    return;
  }
  v128.store(y, tree(sums));
  v128.store(y, tree(sums + 16), 16);
  v128.store(y, tree(sums + 32), 32);
  v128.store(y, tree(sums + 48), 48);
}

/** ((l₀ + l₁) + (l₂ + l₃)) + ((l₄ + l₅) + (l₆ + l₇)) of four outputs. */
function tree(leaf: usize): v128 {
  return f32x4.add(
    f32x4.add(twoLeaves(leaf), twoLeaves(leaf + 2 * LEAF_BYTES)),
    f32x4.add(twoLeaves(leaf + 4 * LEAF_BYTES), twoLeaves(leaf + 6 * LEAF_BYTES)),
  );
}

function twoLeaves(leaf: usize): v128 {
  return f32x4.add(v128.load(leaf), v128.load(leaf, LEAF_BYTES));
}
