import { BF16, F16, Weights } from './weights';

/**
 * A tile of y = x · Wᵀ that widens its weights as it goes, for few rows: up to four pairs of a row of x and
 * a panel of W. Four rows share every widened weight. One row, the decode step, reads four panels side by
 * side: four streams from memory are nearly twice as fast as one.
 *
 * A class, because Biome parses AssemblyScript's @inline on methods only. `rows` and `panels` are constants
 * wherever this is inlined, so that each shape of tile is a function of its own below.
 */
export class Tile {
  /**
   * Sums one leaf of every pair in ascending input. Pair i is row i mod rows and panel i / rows.
   *
   * @param x,end the leaf of a strip of rows, f32 [inputs, rows]
   * @param w the leaf's weights in the first panel @param panelBytes from a panel to the next
   * @param sums f32 [pairs, 16], written
   */
  @inline
  static leaf<W>(
    rows: usize,
    panels: usize,
    x: usize,
    end: usize,
    w: usize,
    panelBytes: usize,
    mask: v128,
    sums: usize,
  ): void {
    const pairs = rows * panels;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let c0 = a0;
    let c1 = a0;
    let c2 = a0;
    let c3 = a0;
    let d0 = a0;
    let d1 = a0;
    let d2 = a0;
    let d3 = a0;
    for (; x < end; x += rows * sizeof<f32>()) {
      const x0 = v128.load32_splat(x);
      const u0 = v128.load(w);
      const u1 = v128.load(w, 16);
      const w0 = Weights.low<W>(u0);
      const w1 = Weights.low<W>(u1);
      const w2 = isFloat<W>() ? v128.load(w, 32) : Weights.high<W>(u0, mask);
      const w3 = isFloat<W>() ? v128.load(w, 48) : Weights.high<W>(u1, mask);
      a0 = Tile.addProduct(a0, x0, w0);
      a1 = Tile.addProduct(a1, x0, w1);
      a2 = Tile.addProduct(a2, x0, w2);
      a3 = Tile.addProduct(a3, x0, w3);
      if (rows > 1) {
        const x1 = v128.load32_splat(x, 4);
        b0 = Tile.addProduct(b0, x1, w0);
        b1 = Tile.addProduct(b1, x1, w1);
        b2 = Tile.addProduct(b2, x1, w2);
        b3 = Tile.addProduct(b3, x1, w3);
        if (rows > 2) {
          const x2 = v128.load32_splat(x, 8);
          c0 = Tile.addProduct(c0, x2, w0);
          c1 = Tile.addProduct(c1, x2, w1);
          c2 = Tile.addProduct(c2, x2, w2);
          c3 = Tile.addProduct(c3, x2, w3);
        }
        if (rows > 3) {
          const x3 = v128.load32_splat(x, 12);
          d0 = Tile.addProduct(d0, x3, w0);
          d1 = Tile.addProduct(d1, x3, w1);
          d2 = Tile.addProduct(d2, x3, w2);
          d3 = Tile.addProduct(d3, x3, w3);
        }
      }
      if (rows === 1 && panels > 1) {
        const v = w + panelBytes;
        const v0 = v128.load(v);
        const v1 = v128.load(v, 16);
        b0 = Tile.addProduct(b0, x0, Weights.low<W>(v0));
        b1 = Tile.addProduct(b1, x0, Weights.low<W>(v1));
        b2 = Tile.addProduct(b2, x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(v0, mask));
        b3 = Tile.addProduct(b3, x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(v1, mask));
      }
      if (rows === 1 && panels > 2) {
        const v = w + 2 * panelBytes;
        const v0 = v128.load(v);
        const v1 = v128.load(v, 16);
        c0 = Tile.addProduct(c0, x0, Weights.low<W>(v0));
        c1 = Tile.addProduct(c1, x0, Weights.low<W>(v1));
        c2 = Tile.addProduct(c2, x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(v0, mask));
        c3 = Tile.addProduct(c3, x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(v1, mask));
      }
      if (rows === 1 && panels > 3) {
        const v = w + 3 * panelBytes;
        const v0 = v128.load(v);
        const v1 = v128.load(v, 16);
        d0 = Tile.addProduct(d0, x0, Weights.low<W>(v0));
        d1 = Tile.addProduct(d1, x0, Weights.low<W>(v1));
        d2 = Tile.addProduct(d2, x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(v0, mask));
        d3 = Tile.addProduct(d3, x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(v1, mask));
      }
      w += Weights.stride<W>();
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    v128.store(sums, a2, 32);
    v128.store(sums, a3, 48);
    if (pairs > 1) {
      v128.store(sums, b0, 64);
      v128.store(sums, b1, 80);
      v128.store(sums, b2, 96);
      v128.store(sums, b3, 112);
    }
    if (pairs > 2) {
      v128.store(sums, c0, 128);
      v128.store(sums, c1, 144);
      v128.store(sums, c2, 160);
      v128.store(sums, c3, 176);
    }
    if (pairs > 3) {
      v128.store(sums, d0, 192);
      v128.store(sums, d1, 208);
      v128.store(sums, d2, 224);
      v128.store(sums, d3, 240);
    }
  }

  /** sum + a · b, each rounded. */
  @inline
  static addProduct(sum: v128, a: v128, b: v128): v128 {
    return f32x4.add(sum, f32x4.mul(a, b));
  }
}

// The shapes of tiles. `x` and `end` bound the leaf, `w` is its first weight, `inputs` the length of a row
// of W.

export function fourPanelsF32(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<f32>(1, 4, x, end, w, inputs * Weights.stride<f32>(), Weights.mask(inputs), sums);
}

export function fourPanelsF16(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<F16>(1, 4, x, end, w, inputs * Weights.stride<F16>(), Weights.mask(inputs), sums);
}

export function fourPanelsBF16(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(1, 4, x, end, w, inputs * Weights.stride<BF16>(), Weights.mask(inputs), sums);
}

export function oneRow(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(1, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function twoRows(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(2, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function threeRows(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(3, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function fourRows(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(4, 1, x, end, w, 0, Weights.mask(inputs), sums);
}
