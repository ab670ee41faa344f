import { Fused } from '../multiply-add';
import { BF16, Weights } from './weights';

/**
 * A tile of y = x · Wᵀ: the sums over a run of inputs of up to six rows, times eight outputs or a panel of
 * 16. Six rows times 16 outputs fill twelve vectors of 256 bits, which leaves room for the operands in
 * sixteen registers; where vectors have 128 bits, six rows times eight outputs do. Every operand that is
 * loaded serves several products, and there are enough sums to cover the latency of an addition.
 *
 * A class, because Biome parses AssemblyScript's @inline on methods only. `rows` and `outputs` are
 * constants wherever this is inlined, so that each shape of tile is a function of its own below.
 */
export class Tile {
  /**
   * Sums over inputs in ascending order: of f32 weights from +0, of others from what `sums` holds, so that
   * a leaf may be computed in several runs.
   *
   * @param x,end the run of a strip of rows, f32 [inputs, rows]
   * @param w its weights @param stride bytes from the weights of an input to those of the next
   * @param mask of {@link Weights.mask}; not used for f32
   * @param ahead bytes from a weight to one that is touched, so that it is in the cache when it is needed;
   * not used for f32
   * @param sums f32 [rows, 16], the first `outputs` of each written
   */
  @inline
  static sum<W>(
    rows: usize,
    outputs: usize,
    x: usize,
    end: usize,
    w: usize,
    stride: usize,
    mask: v128,
    ahead: usize,
    sums: usize,
  ): void {
    const isWide = outputs > 8;
    let a0 = Tile.begin<W>(rows > 0, sums);
    let a1 = Tile.begin<W>(rows > 0, sums + 16);
    let a2 = Tile.begin<W>(rows > 0, sums + 32);
    let a3 = Tile.begin<W>(rows > 0, sums + 48);
    let b0 = Tile.begin<W>(rows > 1, sums + 64);
    let b1 = Tile.begin<W>(rows > 1, sums + 80);
    let b2 = Tile.begin<W>(rows > 1, sums + 96);
    let b3 = Tile.begin<W>(rows > 1, sums + 112);
    let c0 = Tile.begin<W>(rows > 2, sums + 128);
    let c1 = Tile.begin<W>(rows > 2, sums + 144);
    let c2 = Tile.begin<W>(rows > 2, sums + 160);
    let c3 = Tile.begin<W>(rows > 2, sums + 176);
    let d0 = Tile.begin<W>(rows > 3, sums + 192);
    let d1 = Tile.begin<W>(rows > 3, sums + 208);
    let d2 = Tile.begin<W>(rows > 3, sums + 224);
    let d3 = Tile.begin<W>(rows > 3, sums + 240);
    let e0 = Tile.begin<W>(rows > 4, sums + 256);
    let e1 = Tile.begin<W>(rows > 4, sums + 272);
    let e2 = Tile.begin<W>(rows > 4, sums + 288);
    let e3 = Tile.begin<W>(rows > 4, sums + 304);
    let f0 = Tile.begin<W>(rows > 5, sums + 320);
    let f1 = Tile.begin<W>(rows > 5, sums + 336);
    let f2 = Tile.begin<W>(rows > 5, sums + 352);
    let f3 = Tile.begin<W>(rows > 5, sums + 368);
    for (; x < end; x += rows * sizeof<f32>()) {
      // A load that may trap is not removed, though nothing needs its result.
      if (!isFloat<W>()) load<u8>(w + ahead);
      const u0 = v128.load(w);
      const u1 = v128.load(w, 16);
      const w0 = Weights.low<W>(u0);
      const w1 = Weights.low<W>(u1);
      const w2 = !isWide ? w0 : isFloat<W>() ? v128.load(w, 32) : Weights.high<W>(u0, mask);
      const w3 = !isWide ? w1 : isFloat<W>() ? v128.load(w, 48) : Weights.high<W>(u1, mask);
      const x0 = v128.load32_splat(x);
      a0 = Fused.multiplyAdd(x0, w0, a0);
      a1 = Fused.multiplyAdd(x0, w1, a1);
      if (isWide) {
        a2 = Fused.multiplyAdd(x0, w2, a2);
        a3 = Fused.multiplyAdd(x0, w3, a3);
      }
      if (rows > 1) {
        const x1 = v128.load32_splat(x, 4);
        b0 = Fused.multiplyAdd(x1, w0, b0);
        b1 = Fused.multiplyAdd(x1, w1, b1);
        if (isWide) {
          b2 = Fused.multiplyAdd(x1, w2, b2);
          b3 = Fused.multiplyAdd(x1, w3, b3);
        }
      }
      if (rows > 2) {
        const x2 = v128.load32_splat(x, 8);
        c0 = Fused.multiplyAdd(x2, w0, c0);
        c1 = Fused.multiplyAdd(x2, w1, c1);
        if (isWide) {
          c2 = Fused.multiplyAdd(x2, w2, c2);
          c3 = Fused.multiplyAdd(x2, w3, c3);
        }
      }
      if (rows > 3) {
        const x3 = v128.load32_splat(x, 12);
        d0 = Fused.multiplyAdd(x3, w0, d0);
        d1 = Fused.multiplyAdd(x3, w1, d1);
        if (isWide) {
          d2 = Fused.multiplyAdd(x3, w2, d2);
          d3 = Fused.multiplyAdd(x3, w3, d3);
        }
      }
      if (rows > 4) {
        const x4 = v128.load32_splat(x, 16);
        e0 = Fused.multiplyAdd(x4, w0, e0);
        e1 = Fused.multiplyAdd(x4, w1, e1);
        if (isWide) {
          e2 = Fused.multiplyAdd(x4, w2, e2);
          e3 = Fused.multiplyAdd(x4, w3, e3);
        }
      }
      if (rows > 5) {
        const x5 = v128.load32_splat(x, 20);
        f0 = Fused.multiplyAdd(x5, w0, f0);
        f1 = Fused.multiplyAdd(x5, w1, f1);
        if (isWide) {
          f2 = Fused.multiplyAdd(x5, w2, f2);
          f3 = Fused.multiplyAdd(x5, w3, f3);
        }
      }
      w += stride;
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    if (isWide) {
      v128.store(sums, a2, 32);
      v128.store(sums, a3, 48);
    }
    if (rows > 1) {
      v128.store(sums, b0, 64);
      v128.store(sums, b1, 80);
      if (isWide) {
        v128.store(sums, b2, 96);
        v128.store(sums, b3, 112);
      }
    }
    if (rows > 2) {
      v128.store(sums, c0, 128);
      v128.store(sums, c1, 144);
      if (isWide) {
        v128.store(sums, c2, 160);
        v128.store(sums, c3, 176);
      }
    }
    if (rows > 3) {
      v128.store(sums, d0, 192);
      v128.store(sums, d1, 208);
      if (isWide) {
        v128.store(sums, d2, 224);
        v128.store(sums, d3, 240);
      }
    }
    if (rows > 4) {
      v128.store(sums, e0, 256);
      v128.store(sums, e1, 272);
      if (isWide) {
        v128.store(sums, e2, 288);
        v128.store(sums, e3, 304);
      }
    }
    if (rows > 5) {
      v128.store(sums, f0, 320);
      v128.store(sums, f1, 336);
      if (isWide) {
        v128.store(sums, f2, 352);
        v128.store(sums, f3, 368);
      }
    }
  }
  /** Where a sum begins. @param isUsed false for a row that the tile does not have */
  @inline
  private static begin<W>(isUsed: bool, sum: usize): v128 {
    return isFloat<W>() || !isUsed ? f32x4.splat(0) : v128.load(sum);
  }
}

/** Sums 16 outputs of 1 … 6 rows over a run of weights in f32; see {@link Tile.sum}. */
export function sumPanel(rows: usize, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  if (rows === 6) panel6(x, end, w, stride, sums);
  else if (rows === 5) panel5(x, end, w, stride, sums);
  else if (rows === 4) panel4(x, end, w, stride, sums);
  else if (rows === 3) panel3(x, end, w, stride, sums);
  else if (rows === 2) panel2(x, end, w, stride, sums);
  else panel1(x, end, w, stride, sums);
}

/** Sums 8 outputs of 1 … 6 rows over a run of weights in f32; see {@link Tile.sum}. */
export function sumHalf(rows: usize, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  if (rows === 6) half6(x, end, w, stride, sums);
  else if (rows === 5) half5(x, end, w, stride, sums);
  else if (rows === 4) half4(x, end, w, stride, sums);
  else if (rows === 3) half3(x, end, w, stride, sums);
  else if (rows === 2) half2(x, end, w, stride, sums);
  else half1(x, end, w, stride, sums);
}

/** Continues the sums of 16 outputs of 1 … 5 rows over bf16 weights, which are widened as they are read. */
export function sumPanelBF16(rows: usize, x: usize, end: usize, w: usize, ahead: usize, sums: usize): void {
  if (rows === 5) bf16x5(x, end, w, ahead, sums);
  else if (rows === 4) bf16x4(x, end, w, ahead, sums);
  else if (rows === 3) bf16x3(x, end, w, ahead, sums);
  else if (rows === 2) bf16x2(x, end, w, ahead, sums);
  else bf16x1(x, end, w, ahead, sums);
}

export function panel1(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(1, 16, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function panel2(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(2, 16, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function panel3(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(3, 16, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function panel4(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(4, 16, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function panel5(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(5, 16, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function panel6(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(6, 16, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function half1(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(1, 8, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function half2(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(2, 8, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function half3(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(3, 8, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function half4(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(4, 8, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function half5(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(5, 8, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function half6(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  Tile.sum<f32>(6, 8, x, end, w, stride, f32x4.splat(0), 0, sums);
}

export function bf16x1(x: usize, end: usize, w: usize, ahead: usize, sums: usize): void {
  Tile.sum<BF16>(1, 16, x, end, w, Weights.stride<BF16>(), Weights.mask(ahead), ahead, sums);
}

export function bf16x2(x: usize, end: usize, w: usize, ahead: usize, sums: usize): void {
  Tile.sum<BF16>(2, 16, x, end, w, Weights.stride<BF16>(), Weights.mask(ahead), ahead, sums);
}

export function bf16x3(x: usize, end: usize, w: usize, ahead: usize, sums: usize): void {
  Tile.sum<BF16>(3, 16, x, end, w, Weights.stride<BF16>(), Weights.mask(ahead), ahead, sums);
}

export function bf16x4(x: usize, end: usize, w: usize, ahead: usize, sums: usize): void {
  Tile.sum<BF16>(4, 16, x, end, w, Weights.stride<BF16>(), Weights.mask(ahead), ahead, sums);
}

export function bf16x5(x: usize, end: usize, w: usize, ahead: usize, sums: usize): void {
  Tile.sum<BF16>(5, 16, x, end, w, Weights.stride<BF16>(), Weights.mask(ahead), ahead, sums);
}
