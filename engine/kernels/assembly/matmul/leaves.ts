import { LEAVES, PANEL } from '../sizes';

/** Bytes of the sums of one leaf of a tile: up to four pairs of a row and a panel. */
export const LEAF_BYTES: usize = 4 * PANEL * sizeof<f32>();
/**
 * Bytes of the sums of a tile, f32 [LEAVES, pairs up to 4, PANEL]; a shard's matrix uses the first of its
 * leaves.
 */
export const TILE_BYTES: usize = LEAVES * LEAF_BYTES;

/**
 * Adds up the leaves of one pair and writes its first `count` outputs.
 *
 * @param sums of its first leaf
 * @param leaves 1, 2, 4, 8
 */
export function storeOutputs(sums: usize, leaves: usize, y: usize, count: usize): void {
  if (count < PANEL) {
    for (let i: usize = 0; i < PANEL; i += 4) v128.store(sums + i * 4, tree(sums + i * 4, leaves));
    memory.copy(y, sums, count * sizeof<f32>());
    return;
  }
  v128.store(y, tree(sums, leaves));
  v128.store(y, tree(sums + 16, leaves), 16);
  v128.store(y, tree(sums + 32, leaves), 32);
  v128.store(y, tree(sums + 48, leaves), 48);
}

/** ((l₀ + l₁) + (l₂ + l₃)) + ((l₄ + l₅) + (l₆ + l₇)) of four outputs, or a subtree of it. */
function tree(leaf: usize, leaves: usize): v128 {
  if (leaves === 8) return f32x4.add(fourLeaves(leaf), fourLeaves(leaf + 4 * LEAF_BYTES));
  if (leaves === 4) return fourLeaves(leaf);
  if (leaves === 2) return twoLeaves(leaf);
  return v128.load(leaf);
}

function fourLeaves(leaf: usize): v128 {
  return f32x4.add(twoLeaves(leaf), twoLeaves(leaf + 2 * LEAF_BYTES));
}

function twoLeaves(leaf: usize): v128 {
  return f32x4.add(v128.load(leaf), v128.load(leaf, LEAF_BYTES));
}
