import { Fused } from '../multiply-add';
import { BF16, F16, Weights } from './weights';

/** One row of x times four adjacent panels of W: four streams from memory are nearly twice as fast as one. */
export class FourPanels {
  /**
   * Sums from +0 over the inputs of a leaf in ascending order.
   *
   * @param x,end the leaf of the row, f32 [inputs]
   * @param w the leaf's weights in the first panel @param panelBytes from a panel to the next
   * @param mask of {@link Weights.mask}
   * @param sums f32 [4, 16], written
   */
  @inline
  static sum<W>(x: usize, end: usize, w: usize, panelBytes: usize, mask: v128, sums: usize): void {
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let b2 = f32x4.splat(0);
    let b3 = f32x4.splat(0);
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let c2 = f32x4.splat(0);
    let c3 = f32x4.splat(0);
    let d0 = f32x4.splat(0);
    let d1 = f32x4.splat(0);
    let d2 = f32x4.splat(0);
    let d3 = f32x4.splat(0);
    for (; x < end; x += sizeof<f32>()) {
      const x0 = v128.load32_splat(x);
      let v = w;
      const alow = v128.load(v);
      const ahigh = v128.load(v, 16);
      a0 = Fused.multiplyAdd(x0, Weights.low<W>(alow), a0);
      a1 = Fused.multiplyAdd(x0, Weights.low<W>(ahigh), a1);
      a2 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(alow, mask), a2);
      a3 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(ahigh, mask), a3);
      v += panelBytes;
      const blow = v128.load(v);
      const bhigh = v128.load(v, 16);
      b0 = Fused.multiplyAdd(x0, Weights.low<W>(blow), b0);
      b1 = Fused.multiplyAdd(x0, Weights.low<W>(bhigh), b1);
      b2 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(blow, mask), b2);
      b3 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(bhigh, mask), b3);
      v += panelBytes;
      const clow = v128.load(v);
      const chigh = v128.load(v, 16);
      c0 = Fused.multiplyAdd(x0, Weights.low<W>(clow), c0);
      c1 = Fused.multiplyAdd(x0, Weights.low<W>(chigh), c1);
      c2 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(clow, mask), c2);
      c3 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(chigh, mask), c3);
      v += panelBytes;
      const dlow = v128.load(v);
      const dhigh = v128.load(v, 16);
      d0 = Fused.multiplyAdd(x0, Weights.low<W>(dlow), d0);
      d1 = Fused.multiplyAdd(x0, Weights.low<W>(dhigh), d1);
      d2 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 32) : Weights.high<W>(dlow, mask), d2);
      d3 = Fused.multiplyAdd(x0, isFloat<W>() ? v128.load(v, 48) : Weights.high<W>(dhigh, mask), d3);
      w += Weights.stride<W>();
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    v128.store(sums, a2, 32);
    v128.store(sums, a3, 48);
    v128.store(sums, b0, 64);
    v128.store(sums, b1, 80);
    v128.store(sums, b2, 96);
    v128.store(sums, b3, 112);
    v128.store(sums, c0, 128);
    v128.store(sums, c1, 144);
    v128.store(sums, c2, 160);
    v128.store(sums, c3, 176);
    v128.store(sums, d0, 192);
    v128.store(sums, d1, 208);
    v128.store(sums, d2, 224);
    v128.store(sums, d3, 240);
  }
}

export function fourPanelsF32(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  FourPanels.sum<f32>(x, end, w, inputs * Weights.stride<f32>(), Weights.mask(inputs), sums);
}

export function fourPanelsF16(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  FourPanels.sum<F16>(x, end, w, inputs * Weights.stride<F16>(), Weights.mask(inputs), sums);
}

export function fourPanelsBF16(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  FourPanels.sum<BF16>(x, end, w, inputs * Weights.stride<BF16>(), Weights.mask(inputs), sums);
}
