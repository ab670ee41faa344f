import { Fused } from '../multiply-add';

/** A run of positions whose values are added to the sums of some queries. */
@unmanaged
export class ValueRun {
  /** The weights of the first query from position 0 on, and the bytes to those of the next query. */
  weights!: usize;
  weightsBytes!: usize;
  /** Positions from … to; `from` is a multiple of blockSize. */
  from!: usize;
  to!: usize;
  blockTable!: usize;
  blockSize!: usize;
  /** From a block to the next, and from a position to the next. */
  blockBytes!: usize;
  headBytes!: usize;
}

/**
 * A tile of attention's values: the sums over a run of positions of up to six queries, times eight
 * dimensions or 16. The sums stay in registers over all blocks of the run. Shapes as in matmul/tile.ts.
 */
class ValueTile {
  /**
   * Goes on with the sums in ascending position.
   *
   * @param queries,outputs constants where this is inlined
   * @param address of a {@link ValueRun}
   * @param values the dimensions at position 0 of block 0
   * @param sums f32 [queries, 16], the first `outputs` of each
   */
  @inline
  static add(queries: usize, outputs: usize, address: usize, values: usize, sums: usize): void {
    const isWide = outputs > 8;
    const run = changetype<ValueRun>(address);
    const blockSize = run.blockSize;
    const headBytes = run.headBytes;
    const to = run.to;
    let a0 = v128.load(sums);
    let a1 = v128.load(sums, 16);
    let a2 = isWide ? v128.load(sums, 32) : f32x4.splat(0);
    let a3 = isWide ? v128.load(sums, 48) : f32x4.splat(0);
    let b0 = queries > 1 ? v128.load(sums, 64) : f32x4.splat(0);
    let b1 = queries > 1 ? v128.load(sums, 80) : f32x4.splat(0);
    let b2 = queries > 1 && isWide ? v128.load(sums, 96) : f32x4.splat(0);
    let b3 = queries > 1 && isWide ? v128.load(sums, 112) : f32x4.splat(0);
    let c0 = queries > 2 ? v128.load(sums, 128) : f32x4.splat(0);
    let c1 = queries > 2 ? v128.load(sums, 144) : f32x4.splat(0);
    let c2 = queries > 2 && isWide ? v128.load(sums, 160) : f32x4.splat(0);
    let c3 = queries > 2 && isWide ? v128.load(sums, 176) : f32x4.splat(0);
    let d0 = queries > 3 ? v128.load(sums, 192) : f32x4.splat(0);
    let d1 = queries > 3 ? v128.load(sums, 208) : f32x4.splat(0);
    let d2 = queries > 3 && isWide ? v128.load(sums, 224) : f32x4.splat(0);
    let d3 = queries > 3 && isWide ? v128.load(sums, 240) : f32x4.splat(0);
    let e0 = queries > 4 ? v128.load(sums, 256) : f32x4.splat(0);
    let e1 = queries > 4 ? v128.load(sums, 272) : f32x4.splat(0);
    let e2 = queries > 4 && isWide ? v128.load(sums, 288) : f32x4.splat(0);
    let e3 = queries > 4 && isWide ? v128.load(sums, 304) : f32x4.splat(0);
    let f0 = queries > 5 ? v128.load(sums, 320) : f32x4.splat(0);
    let f1 = queries > 5 ? v128.load(sums, 336) : f32x4.splat(0);
    let f2 = queries > 5 && isWide ? v128.load(sums, 352) : f32x4.splat(0);
    let f3 = queries > 5 && isWide ? v128.load(sums, 368) : f32x4.splat(0);
    let p0 = run.weights + run.from * sizeof<f32>();
    let p1 = p0 + run.weightsBytes;
    let p2 = p1 + run.weightsBytes;
    let p3 = p2 + run.weightsBytes;
    let p4 = p3 + run.weightsBytes;
    let p5 = p4 + run.weightsBytes;
    for (let t = run.from; t < to; t += blockSize) {
      let value = values + <usize>load<u32>(run.blockTable + (t / blockSize) * 4) * run.blockBytes;
      const end = p0 + min(blockSize, to - t) * sizeof<f32>();
      for (; p0 < end; p0 += sizeof<f32>()) {
        const v0 = v128.load(value);
        const v1 = v128.load(value, 16);
        const v2 = isWide ? v128.load(value, 32) : v0;
        const v3 = isWide ? v128.load(value, 48) : v1;
        const w0 = v128.load32_splat(p0);
        a0 = Fused.multiplyAdd(w0, v0, a0);
        a1 = Fused.multiplyAdd(w0, v1, a1);
        if (isWide) {
          a2 = Fused.multiplyAdd(w0, v2, a2);
          a3 = Fused.multiplyAdd(w0, v3, a3);
        }
        if (queries > 1) {
          const w1 = v128.load32_splat(p1);
          b0 = Fused.multiplyAdd(w1, v0, b0);
          b1 = Fused.multiplyAdd(w1, v1, b1);
          if (isWide) {
            b2 = Fused.multiplyAdd(w1, v2, b2);
            b3 = Fused.multiplyAdd(w1, v3, b3);
          }
          p1 += sizeof<f32>();
        }
        if (queries > 2) {
          const w2 = v128.load32_splat(p2);
          c0 = Fused.multiplyAdd(w2, v0, c0);
          c1 = Fused.multiplyAdd(w2, v1, c1);
          if (isWide) {
            c2 = Fused.multiplyAdd(w2, v2, c2);
            c3 = Fused.multiplyAdd(w2, v3, c3);
          }
          p2 += sizeof<f32>();
        }
        if (queries > 3) {
          const w3 = v128.load32_splat(p3);
          d0 = Fused.multiplyAdd(w3, v0, d0);
          d1 = Fused.multiplyAdd(w3, v1, d1);
          if (isWide) {
            d2 = Fused.multiplyAdd(w3, v2, d2);
            d3 = Fused.multiplyAdd(w3, v3, d3);
          }
          p3 += sizeof<f32>();
        }
        if (queries > 4) {
          const w4 = v128.load32_splat(p4);
          e0 = Fused.multiplyAdd(w4, v0, e0);
          e1 = Fused.multiplyAdd(w4, v1, e1);
          if (isWide) {
            e2 = Fused.multiplyAdd(w4, v2, e2);
            e3 = Fused.multiplyAdd(w4, v3, e3);
          }
          p4 += sizeof<f32>();
        }
        if (queries > 5) {
          const w5 = v128.load32_splat(p5);
          f0 = Fused.multiplyAdd(w5, v0, f0);
          f1 = Fused.multiplyAdd(w5, v1, f1);
          if (isWide) {
            f2 = Fused.multiplyAdd(w5, v2, f2);
            f3 = Fused.multiplyAdd(w5, v3, f3);
          }
          p5 += sizeof<f32>();
        }
        value += headBytes;
      }
    }
    v128.store(sums, a0);
    v128.store(sums, a1, 16);
    if (isWide) {
      v128.store(sums, a2, 32);
      v128.store(sums, a3, 48);
    }
    if (queries > 1) {
      v128.store(sums, b0, 64);
      v128.store(sums, b1, 80);
      if (isWide) {
        v128.store(sums, b2, 96);
        v128.store(sums, b3, 112);
      }
    }
    if (queries > 2) {
      v128.store(sums, c0, 128);
      v128.store(sums, c1, 144);
      if (isWide) {
        v128.store(sums, c2, 160);
        v128.store(sums, c3, 176);
      }
    }
    if (queries > 3) {
      v128.store(sums, d0, 192);
      v128.store(sums, d1, 208);
      if (isWide) {
        v128.store(sums, d2, 224);
        v128.store(sums, d3, 240);
      }
    }
    if (queries > 4) {
      v128.store(sums, e0, 256);
      v128.store(sums, e1, 272);
      if (isWide) {
        v128.store(sums, e2, 288);
        v128.store(sums, e3, 304);
      }
    }
    if (queries > 5) {
      v128.store(sums, f0, 320);
      v128.store(sums, f1, 336);
      if (isWide) {
        v128.store(sums, f2, 352);
        v128.store(sums, f3, 368);
      }
    }
  }
}

/** Adds 16 dimensions for 1 … 6 queries; see {@link ValueTile.add}. */
export function addValues16(queries: usize, run: usize, values: usize, sums: usize): void {
  if (queries === 6) values16x6(run, values, sums);
  else if (queries === 5) values16x5(run, values, sums);
  else if (queries === 4) values16x4(run, values, sums);
  else if (queries === 3) values16x3(run, values, sums);
  else if (queries === 2) values16x2(run, values, sums);
  else values16x1(run, values, sums);
}

/** Adds 8 dimensions for 1 … 6 queries; see {@link ValueTile.add}. */
export function addValues8(queries: usize, run: usize, values: usize, sums: usize): void {
  if (queries === 6) values8x6(run, values, sums);
  else if (queries === 5) values8x5(run, values, sums);
  else if (queries === 4) values8x4(run, values, sums);
  else if (queries === 3) values8x3(run, values, sums);
  else if (queries === 2) values8x2(run, values, sums);
  else values8x1(run, values, sums);
}

export function values16x1(run: usize, values: usize, sums: usize): void {
  ValueTile.add(1, 16, run, values, sums);
}

export function values16x2(run: usize, values: usize, sums: usize): void {
  ValueTile.add(2, 16, run, values, sums);
}

export function values16x3(run: usize, values: usize, sums: usize): void {
  ValueTile.add(3, 16, run, values, sums);
}

export function values16x4(run: usize, values: usize, sums: usize): void {
  ValueTile.add(4, 16, run, values, sums);
}

export function values16x5(run: usize, values: usize, sums: usize): void {
  ValueTile.add(5, 16, run, values, sums);
}

export function values16x6(run: usize, values: usize, sums: usize): void {
  ValueTile.add(6, 16, run, values, sums);
}

export function values8x1(run: usize, values: usize, sums: usize): void {
  ValueTile.add(1, 8, run, values, sums);
}

export function values8x2(run: usize, values: usize, sums: usize): void {
  ValueTile.add(2, 8, run, values, sums);
}

export function values8x3(run: usize, values: usize, sums: usize): void {
  ValueTile.add(3, 8, run, values, sums);
}

export function values8x4(run: usize, values: usize, sums: usize): void {
  ValueTile.add(4, 8, run, values, sums);
}

export function values8x5(run: usize, values: usize, sums: usize): void {
  ValueTile.add(5, 8, run, values, sums);
}

export function values8x6(run: usize, values: usize, sums: usize): void {
  ValueTile.add(6, 8, run, values, sums);
}
