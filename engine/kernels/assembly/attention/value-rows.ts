import { Fused } from '../multiply-add';
import { ValueRun } from './value-tile';

/** Bytes of 16 dimensions. */
const COLUMN: usize = 64;

/**
 * Attention's values for up to four queries that share a key head. So few are done sooner than memory is
 * read, so the values are read in the order in which they lie there: the weights of some positions stay in
 * registers, and the sums in the L1 cache.
 */
class ValueRows {
  /**
   * Goes on with the sums in ascending position.
   *
   * @param queries a constant where this is inlined
   * @param address of a {@link ValueRun}
   * @param values at position 0 of block 0
   * @param sums f32 [headDim / 16, queries, 16]
   */
  @inline
  static add(queries: usize, address: usize, values: usize, sums: usize): void {
    const run = changetype<ValueRun>(address);
    const blockSize = run.blockSize;
    const to = run.to;
    // Eight weights and the sums fit sixteen registers.
    const positions: usize = queries > 2 ? 2 : 4;
    let p = run.weights + run.from * sizeof<f32>();
    for (let t = run.from; t < to; t += blockSize) {
      let value = values + <usize>load<u32>(run.blockTable + (t / blockSize) * 4) * run.blockBytes;
      const end = p + min(blockSize, to - t) * sizeof<f32>();
      for (; p + positions * sizeof<f32>() <= end; p += positions * sizeof<f32>()) {
        ValueRows.addPositions(queries, positions, p, run.weightsBytes, value, run.headBytes, sums);
        value += positions * run.headBytes;
      }
      for (; p < end; p += sizeof<f32>()) {
        ValueRows.addPositions(queries, 1, p, run.weightsBytes, value, run.headBytes, sums);
        value += run.headBytes;
      }
    }
  }

  /** @param positions 4, 2 or 1: a constant where this is inlined @param p the first query's weights */
  @inline
  private static addPositions(
    queries: usize,
    positions: usize,
    p: usize,
    weightsBytes: usize,
    value: usize,
    headBytes: usize,
    sums: usize,
  ): void {
    const p1 = p + weightsBytes;
    const p2 = p1 + weightsBytes;
    const p3 = p2 + weightsBytes;
    const a0 = ValueRows.weight(true, p);
    const a1 = ValueRows.weight(positions > 1, p + 4);
    const a2 = ValueRows.weight(positions > 2, p + 8);
    const a3 = ValueRows.weight(positions > 2, p + 12);
    const b0 = ValueRows.weight(queries > 1, p1);
    const b1 = ValueRows.weight(queries > 1 && positions > 1, p1 + 4);
    const b2 = ValueRows.weight(queries > 1 && positions > 2, p1 + 8);
    const b3 = ValueRows.weight(queries > 1 && positions > 2, p1 + 12);
    const c0 = ValueRows.weight(queries > 2, p2);
    const c1 = ValueRows.weight(queries > 2 && positions > 1, p2 + 4);
    const d0 = ValueRows.weight(queries > 3, p3);
    const d1 = ValueRows.weight(queries > 3 && positions > 1, p3 + 4);
    const zero = f32x4.splat(0);
    const end = value + headBytes;
    while (value < end) {
      // Half a column at once: a vector of 256 bits for each query.
      for (let i = 0; i < 2; i++) {
        let s0 = v128.load(sums);
        let s1 = v128.load(sums, 16);
        let t0 = queries > 1 ? v128.load(sums, 64) : zero;
        let t1 = queries > 1 ? v128.load(sums, 80) : zero;
        let u0 = queries > 2 ? v128.load(sums, 128) : zero;
        let u1 = queries > 2 ? v128.load(sums, 144) : zero;
        let w0 = queries > 3 ? v128.load(sums, 192) : zero;
        let w1 = queries > 3 ? v128.load(sums, 208) : zero;
        let v0 = v128.load(value);
        let v1 = v128.load(value, 16);
        s0 = Fused.multiplyAdd(a0, v0, s0);
        s1 = Fused.multiplyAdd(a0, v1, s1);
        if (queries > 1) {
          t0 = Fused.multiplyAdd(b0, v0, t0);
          t1 = Fused.multiplyAdd(b0, v1, t1);
        }
        if (queries > 2) {
          u0 = Fused.multiplyAdd(c0, v0, u0);
          u1 = Fused.multiplyAdd(c0, v1, u1);
        }
        if (queries > 3) {
          w0 = Fused.multiplyAdd(d0, v0, w0);
          w1 = Fused.multiplyAdd(d0, v1, w1);
        }
        if (positions > 1) {
          const next = value + headBytes;
          v0 = v128.load(next);
          v1 = v128.load(next, 16);
          s0 = Fused.multiplyAdd(a1, v0, s0);
          s1 = Fused.multiplyAdd(a1, v1, s1);
          if (queries > 1) {
            t0 = Fused.multiplyAdd(b1, v0, t0);
            t1 = Fused.multiplyAdd(b1, v1, t1);
          }
          if (queries > 2) {
            u0 = Fused.multiplyAdd(c1, v0, u0);
            u1 = Fused.multiplyAdd(c1, v1, u1);
          }
          if (queries > 3) {
            w0 = Fused.multiplyAdd(d1, v0, w0);
            w1 = Fused.multiplyAdd(d1, v1, w1);
          }
          if (positions > 2) {
            const third = next + headBytes;
            v0 = v128.load(third);
            v1 = v128.load(third, 16);
            s0 = Fused.multiplyAdd(a2, v0, s0);
            s1 = Fused.multiplyAdd(a2, v1, s1);
            if (queries > 1) {
              t0 = Fused.multiplyAdd(b2, v0, t0);
              t1 = Fused.multiplyAdd(b2, v1, t1);
            }
            const fourth = third + headBytes;
            v0 = v128.load(fourth);
            v1 = v128.load(fourth, 16);
            s0 = Fused.multiplyAdd(a3, v0, s0);
            s1 = Fused.multiplyAdd(a3, v1, s1);
            if (queries > 1) {
              t0 = Fused.multiplyAdd(b3, v0, t0);
              t1 = Fused.multiplyAdd(b3, v1, t1);
            }
          }
        }
        v128.store(sums, s0);
        v128.store(sums, s1, 16);
        if (queries > 1) {
          v128.store(sums, t0, 64);
          v128.store(sums, t1, 80);
        }
        if (queries > 2) {
          v128.store(sums, u0, 128);
          v128.store(sums, u1, 144);
        }
        if (queries > 3) {
          v128.store(sums, w0, 192);
          v128.store(sums, w1, 208);
        }
        sums += 32;
        value += 32;
      }
      sums += (queries - 1) * COLUMN;
    }
  }

  /** A weight in every lane. @param isUsed false for a query or a position that is not computed */
  @inline
  private static weight(isUsed: bool, p: usize): v128 {
    return isUsed ? v128.load32_splat(p) : f32x4.splat(0);
  }
}

/** Adds all dimensions for 1 … 4 queries; see {@link ValueRows.add}. */
export function addValueRows(queries: usize, run: usize, values: usize, sums: usize): void {
  if (queries === 4) valueRows4(run, values, sums);
  else if (queries === 3) valueRows3(run, values, sums);
  else if (queries === 2) valueRows2(run, values, sums);
  else valueRows1(run, values, sums);
}

export function valueRows1(run: usize, values: usize, sums: usize): void {
  ValueRows.add(1, run, values, sums);
}

export function valueRows2(run: usize, values: usize, sums: usize): void {
  ValueRows.add(2, run, values, sums);
}

export function valueRows3(run: usize, values: usize, sums: usize): void {
  ValueRows.add(3, run, values, sums);
}

export function valueRows4(run: usize, values: usize, sums: usize): void {
  ValueRows.add(4, run, values, sums);
}
