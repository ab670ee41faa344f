import { PANEL } from './sizes';
import { Tile } from './tile';

/** Bytes of the weights of one input in a widened panel, and of the sums of a row. */
const STRIDE: usize = PANEL * sizeof<f32>();

/**
 * A tile of y = x · Wᵀ over weights in f32, for many rows: four rows times half a panel. Its eight accumulators are what
 * the latency of an addition asks for, and they fit into the sixteen registers with all that is used beside them.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Biome parses AssemblyScript's @inline on methods only.
export class HalfTile {
  /**
   * Sums one leaf of 8 outputs of every row in ascending input.
   *
   * @param rows a constant where this is inlined
   * @param x,end the leaf of a strip of rows, f32 [inputs, rows]
   * @param w the leaf's weights, f32 [inputs, 16], or from the ninth output on
   * @param sums f32 [rows, 16], the first 8 of each written
   */
  @inline
  static leaf(rows: usize, x: usize, end: usize, w: usize, sums: usize): void {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    for (; x < end; x += rows * sizeof<f32>()) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const x0 = v128.load32_splat(x);
      a0 = Tile.addProduct(a0, x0, w0);
      a1 = Tile.addProduct(a1, x0, w1);
      if (rows > 1) {
        const x1 = v128.load32_splat(x, 4);
        b0 = Tile.addProduct(b0, x1, w0);
        b1 = Tile.addProduct(b1, x1, w1);
      }
      if (rows > 2) {
        const x2 = v128.load32_splat(x, 8);
        c0 = Tile.addProduct(c0, x2, w0);
        c1 = Tile.addProduct(c1, x2, w1);
      }
      if (rows > 3) {
        const x3 = v128.load32_splat(x, 12);
        d0 = Tile.addProduct(d0, x3, w0);
        d1 = Tile.addProduct(d1, x3, w1);
      }
      w += STRIDE;
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    if (rows > 1) {
      v128.store(sums, b0, 64);
      v128.store(sums, b1, 80);
    }
    if (rows > 2) {
      v128.store(sums, c0, 128);
      v128.store(sums, c1, 144);
    }
    if (rows > 3) {
      v128.store(sums, d0, 192);
      v128.store(sums, d1, 208);
    }
  }
}
