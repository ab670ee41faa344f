import { Tile } from './tile';

/**
 * A tile of y = x · Wᵀ over weights in f32, for many rows: four rows times half a panel. Its eight
 * accumulators cover the latency of an addition, and fit into the sixteen registers beside the operands.
 */
export class HalfTile {
  /**
   * Sums over a run of inputs in ascending order, 8 outputs of every row.
   *
   * @param rows,goesOn constants where this is inlined; goesOn: start from what the sums hold, not from +0
   * @param x,end the run of a strip of rows, f32 [inputs, rows]
   * @param w its weights, f32, 8 for each input @param stride bytes from the weights of an input to those of
   * the next
   * @param sums f32 [rows, 16], the first 8 of each written
   */
  @inline
  static leaf(rows: usize, goesOn: bool, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
    let a0 = goesOn ? v128.load(sums) : f32x4.splat(0);
    let a1 = goesOn ? v128.load(sums, 16) : f32x4.splat(0);
    let b0 = goesOn && rows > 1 ? v128.load(sums, 64) : f32x4.splat(0);
    let b1 = goesOn && rows > 1 ? v128.load(sums, 80) : f32x4.splat(0);
    let c0 = goesOn && rows > 2 ? v128.load(sums, 128) : f32x4.splat(0);
    let c1 = goesOn && rows > 2 ? v128.load(sums, 144) : f32x4.splat(0);
    let d0 = goesOn && rows > 3 ? v128.load(sums, 192) : f32x4.splat(0);
    let d1 = goesOn && rows > 3 ? v128.load(sums, 208) : f32x4.splat(0);
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
      w += stride;
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

/** Sums 8 outputs of 1 … 4 rows over a run of inputs, from +0; see {@link HalfTile.leaf}. */
export function halfTile(rows: usize, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  if (rows === 4) half4(x, end, w, stride, sums);
  else if (rows === 3) half3(x, end, w, stride, sums);
  else if (rows === 2) half2(x, end, w, stride, sums);
  else half1(x, end, w, stride, sums);
}

/** The same, added to what the sums hold. */
export function onwardTile(rows: usize, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  if (rows === 4) onward4(x, end, w, stride, sums);
  else if (rows === 3) onward3(x, end, w, stride, sums);
  else if (rows === 2) onward2(x, end, w, stride, sums);
  else onward1(x, end, w, stride, sums);
}

export function half1(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(1, false, x, end, w, stride, sums);
}

export function half2(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(2, false, x, end, w, stride, sums);
}

export function half3(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(3, false, x, end, w, stride, sums);
}

export function half4(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(4, false, x, end, w, stride, sums);
}

export function onward1(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(1, true, x, end, w, stride, sums);
}

export function onward2(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(2, true, x, end, w, stride, sums);
}

export function onward3(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(3, true, x, end, w, stride, sums);
}

export function onward4(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(4, true, x, end, w, stride, sums);
}
