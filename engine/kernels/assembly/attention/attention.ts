import { AttentionArguments } from '../../abi';
import { Fused } from '../multiply-add';
import { Sequence } from './sequence';
import { exponentials } from './softmax';

/**
 * Causal softmax attention of the (row, head) pairs first … last, counted row by row and sequence by
 * sequence, for any headDim and blockSize. Models have multiples of 16, which tiled.ts computes faster.
 */
export function attention(args: AttentionArguments, first: usize, last: usize, thread: usize): void {
  const blockSize = <usize>args.blockSize;
  const heads = <usize>args.numAttentionHeads;
  const keyHeads = <usize>args.numKeyValueHeads;
  const headDim = <usize>args.headDim;
  const scores = <usize>args.scores + thread * <usize>args.scoresBytes;
  const scale = <f32>args.scale;
  const headBytes = headDim * sizeof<f32>();
  const blockBytes = keyHeads * headBytes * blockSize;
  const headsPerKey = heads / keyHeads;
  let sequence = changetype<Sequence>(<usize>args.sequences);
  for (let unit = first; unit < last; unit++) {
    while (unit >= (<usize>sequence.firstRow + <usize>sequence.rows) * heads) {
      sequence = changetype<Sequence>(changetype<usize>(sequence) + offsetof<Sequence>());
    }
    const q = <usize>args.q + unit * headBytes;
    const out = <usize>args.out + unit * headBytes;
    const count = sequence.seen(unit / heads - <usize>sequence.firstRow);
    const blockTable = sequence.blockTable(args);
    const inBlock = ((unit % heads) / headsPerKey) * headBytes * blockSize;
    const keys = <usize>args.keys + inBlock;
    const values = <usize>args.values + inBlock;
    score(q, headDim, keys, blockBytes, blockTable, blockSize, count, scale, scores);
    const denominator = exponentials(scores, count);
    memory.fill(out, 0, headBytes);
    addValues(scores, count, values, blockBytes, blockTable, blockSize, headBytes, out);
    for (let d: usize = 0; d < headBytes; d += sizeof<f32>()) {
      store<f32>(out + d, load<f32>(out + d) / denominator);
    }
  }
}

/** scores[t] = (Σ_d q[d] · k_t[d]) · scale for t < count. @param keys of this head in block 0 */
function score(
  q: usize,
  headDim: usize,
  keys: usize,
  blockBytes: usize,
  blockTable: usize,
  blockSize: usize,
  count: usize,
  scale: f32,
  scores: usize,
): void {
  const stride = blockSize * sizeof<f32>();
  const qEnd = q + headDim * sizeof<f32>();
  for (let t: usize = 0; t < count; t += blockSize) {
    let key = keys + <usize>load<u32>(blockTable) * blockBytes;
    let rest = min(blockSize, count - t);
    for (; rest >= 4; rest -= 4) {
      Positions.score(4, q, qEnd, key, stride, scale, scores);
      key += 16;
      scores += 16;
    }
    for (; rest > 0; rest--) {
      Positions.score(1, q, qEnd, key, stride, scale, scores);
      key += 4;
      scores += 4;
    }
    blockTable += sizeof<u32>();
  }
}

/** out[d] += Σ_t p[t] · v_t[d] for t < count. @param values of this head in block 0 */
function addValues(
  p: usize,
  count: usize,
  values: usize,
  blockBytes: usize,
  blockTable: usize,
  blockSize: usize,
  headBytes: usize,
  out: usize,
): void {
  for (let t: usize = 0; t < count; t += blockSize) {
    const value = values + <usize>load<u32>(blockTable) * blockBytes;
    const pEnd = p + min(blockSize, count - t) * sizeof<f32>();
    let d: usize = 0;
    for (; d + 16 <= headBytes; d += 16) Positions.add(4, p, pEnd, value + d, headBytes, out + d);
    if (d < headBytes) Positions.add(2, p, pEnd, value + d, headBytes, out + d);
    p = pEnd;
    blockTable += sizeof<u32>();
  }
}

/** Adjacent positions of one block. The first parameter is a constant wherever these are inlined. */
class Positions {
  /** Scores of 4 positions, or of 1. @param stride bytes from a dimension of the keys to the next */
  @inline
  static score(
    positions: usize,
    q: usize,
    qEnd: usize,
    key: usize,
    stride: usize,
    scale: f32,
    scores: usize,
  ): void {
    let sums = f32x4.splat(0);
    for (; q < qEnd; q += sizeof<f32>()) {
      const k = positions > 1 ? v128.load(key) : v128.load32_zero(key);
      sums = Fused.multiplyAdd(v128.load32_splat(q), k, sums);
      key += stride;
    }
    if (positions > 1) v128.store(scores, f32x4.mul(sums, f32x4.splat(scale)));
    else store<f32>(scores, f32x4.extract_lane(sums, 0) * scale);
  }

  /**
   * Adds 4 dimensions of the values, or 2, weighted by p.
   *
   * @param stride bytes from a position's values to the next
   */
  @inline
  static add(dims: usize, p: usize, pEnd: usize, value: usize, stride: usize, out: usize): void {
    let sums = dims > 2 ? v128.load(out) : v128.load64_zero(out);
    for (; p < pEnd; p += sizeof<f32>()) {
      const v = dims > 2 ? v128.load(value) : v128.load64_zero(value);
      sums = Fused.multiplyAdd(v128.load32_splat(p), v, sums);
      value += stride;
    }
    if (dims > 2) v128.store(out, sums);
    else v128.store64_lane(out, sums, 0);
  }
}
