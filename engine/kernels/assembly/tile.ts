import { LEAVES, PANEL } from './sizes';
import { Weights } from './weights';

/** Bytes of the accumulators of one leaf of a tile. */
export const LEAF_BYTES: usize = 4 * PANEL * sizeof<f32>();

/**
 * A tile of y = x · Wᵀ: four pairs of accumulators (of 8 outputs), for `rows` rows of x times `panels` panels of W,
 * rows · panels ≤ 4. Four rows share each widened weight. One row, the decode step, reads four panels side by side:
 * four streams from memory are nearly twice as fast as one.
 *
 * `rows` and `panels` are constants wherever these methods are inlined, so that each shape of tile is code of its own.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Biome parses AssemblyScript's @inline on methods only.
export class Tile {
  /** Outputs n … n + 8·panels of some rows. */
  @inline
  static compute<W>(
    rows: usize,
    panels: usize,
    x: usize,
    inputs: usize,
    panel: usize,
    outputs: usize,
    n: usize,
    y: usize,
    scratch: usize,
  ): void {
    const leafLength = (inputs + LEAVES - 1) / LEAVES;
    let leaf = scratch;
    for (let i: usize = 0; i < LEAVES; i++) {
      const from = min(i * leafLength, inputs);
      const to = min(from + leafLength, inputs);
      Tile.leaf<W>(
        rows,
        panels,
        x + from * sizeof<f32>(),
        x + to * sizeof<f32>(),
        inputs * sizeof<f32>(),
        panel + from * Weights.stride<W>(),
        inputs * Weights.stride<W>(),
        leaf,
      );
      leaf += LEAF_BYTES;
    }
    const count = min(PANEL, outputs - n);
    for (let pair: usize = 0; pair < rows * panels; pair++) {
      const to = y + ((pair % rows) * outputs + n + (pair / rows) * PANEL) * sizeof<f32>();
      Tile.store(scratch + pair * PANEL * sizeof<f32>(), to, count);
    }
  }

  /**
   * Sums one leaf of every output of a tile in ascending k. Pair i is row i mod rows times panel i / rows.
   *
   * @param x,end where row 0 has the first input of the leaf, and the first behind it
   */
  @inline
  static leaf<W>(
    rows: usize,
    panels: usize,
    x: usize,
    end: usize,
    rowBytes: usize,
    w: usize,
    panelBytes: usize,
    sums: usize,
  ): void {
    const pairs = rows * panels;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    for (; x < end; x += sizeof<f32>()) {
      const xa = v128.load32_splat(x);
      const wa0 = Weights.low<W>(w);
      const wa1 = Weights.high<W>(w);
      a0 = Tile.addProduct(a0, xa, wa0);
      a1 = Tile.addProduct(a1, xa, wa1);
      if (pairs > 1) {
        const xb = rows > 1 ? v128.load32_splat(x + rowBytes) : xa;
        const wb0 = rows > 1 ? wa0 : Weights.low<W>(w + panelBytes);
        const wb1 = rows > 1 ? wa1 : Weights.high<W>(w + panelBytes);
        b0 = Tile.addProduct(b0, xb, wb0);
        b1 = Tile.addProduct(b1, xb, wb1);
        if (pairs > 2) {
          const wc = w + (rows > 1 ? panelBytes : 2 * panelBytes);
          const xc = rows > 2 ? v128.load32_splat(x + 2 * rowBytes) : xa;
          const wc0 = rows > 2 ? wa0 : Weights.low<W>(wc);
          const wc1 = rows > 2 ? wa1 : Weights.high<W>(wc);
          c0 = Tile.addProduct(c0, xc, wc0);
          c1 = Tile.addProduct(c1, xc, wc1);
          if (pairs > 3) {
            const xd = rows > 3 ? v128.load32_splat(x + 3 * rowBytes) : xb;
            const wd0 = rows > 1 ? wc0 : Weights.low<W>(w + 3 * panelBytes);
            const wd1 = rows > 1 ? wc1 : Weights.high<W>(w + 3 * panelBytes);
            d0 = Tile.addProduct(d0, xd, wd0);
            d1 = Tile.addProduct(d1, xd, wd1);
          }
        }
      }
      w += Weights.stride<W>();
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    if (pairs > 1) {
      v128.store(sums, b0, 32);
      v128.store(sums, b1, 48);
    }
    if (pairs > 2) {
      v128.store(sums, c0, 64);
      v128.store(sums, c1, 80);
    }
    if (pairs > 3) {
      v128.store(sums, d0, 96);
      v128.store(sums, d1, 112);
    }
  }

  @inline
  static addProduct(sum: v128, a: v128, b: v128): v128 {
    return f32x4.add(sum, f32x4.mul(a, b));
  }

  /** Adds up the leaves of one pair and writes its first `count` outputs. */
  @inline
  static store(leaves: usize, y: usize, count: usize): void {
    const low = Tile.tree(leaves);
    const high = Tile.tree(leaves + 16);
    if (count === PANEL) {
      v128.store(y, low);
      v128.store(y, high, 16);
    } else {
      v128.store(leaves, low);
      v128.store(leaves, high, 16);
      memory.copy(y, leaves, count * sizeof<f32>());
    }
  }

  /** ((l₀ + l₁) + (l₂ + l₃)) + ((l₄ + l₅) + (l₆ + l₇)) of four outputs. */
  @inline
  static tree(leaf: usize): v128 {
    return f32x4.add(
      f32x4.add(Tile.twoLeaves(leaf), Tile.twoLeaves(leaf + 2 * LEAF_BYTES)),
      f32x4.add(Tile.twoLeaves(leaf + 4 * LEAF_BYTES), Tile.twoLeaves(leaf + 6 * LEAF_BYTES)),
    );
  }

  @inline
  static twoLeaves(leaf: usize): v128 {
    return f32x4.add(v128.load(leaf), v128.load(leaf, LEAF_BYTES));
  }
}
