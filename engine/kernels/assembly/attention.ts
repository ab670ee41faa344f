// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { argument, Job } from './job';
import { exponentials } from './softmax';

/**
 * Causal softmax attention of the (row, head) pairs first … last, counted row by row, for any head and block of the cache; those of
 * whole vectors of eight, as models have them, are computed by attention-tiled.ts. The arguments are, of AttentionArgs in
 * ../kernels.ts, q, out, keys, values, blockTable, blockSize, startPosition, numAttentionHeads, numKeyValueHeads, headDim,
 * scores, and the bytes from a thread's scores to the next thread's; the job's factor is the scale.
 */
export function attention(job: usize, first: usize, last: usize, thread: usize): void {
  const blockTable = argument(job, 4);
  const blockSize = argument(job, 5);
  const startPosition = argument(job, 6);
  const heads = argument(job, 7);
  const keyHeads = argument(job, 8);
  const headDim = argument(job, 9);
  const scores = argument(job, 10) + thread * argument(job, 11);
  const scale = changetype<Job>(job).factor;
  const headBytes = headDim * sizeof<f32>();
  const blockBytes = keyHeads * headBytes * blockSize;
  const headsPerKey = heads / keyHeads;
  for (let unit = first; unit < last; unit++) {
    const q = argument(job, 0) + unit * headBytes;
    const out = argument(job, 1) + unit * headBytes;
    const count = startPosition + unit / heads + 1;
    const inBlock = ((unit % heads) / headsPerKey) * headBytes * blockSize;
    const keys = argument(job, 2) + inBlock;
    const values = argument(job, 3) + inBlock;
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
// biome-ignore lint/complexity/noStaticOnlyClass: Biome parses AssemblyScript's @inline on methods only.
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
      sums = f32x4.add(sums, f32x4.mul(v128.load32_splat(q), k));
      key += stride;
    }
    if (positions > 1) v128.store(scores, f32x4.mul(sums, f32x4.splat(scale)));
    else store<f32>(scores, f32x4.extract_lane(sums, 0) * scale);
  }

  /** Adds 4 dimensions of the values, or 2, weighed by p. @param stride bytes from a position's values to the next */
  @inline
  static add(dims: usize, p: usize, pEnd: usize, value: usize, stride: usize, out: usize): void {
    let sums = dims > 2 ? v128.load(out) : v128.load64_zero(out);
    for (; p < pEnd; p += sizeof<f32>()) {
      const v = dims > 2 ? v128.load(value) : v128.load64_zero(value);
      sums = f32x4.add(sums, f32x4.mul(v128.load32_splat(p), v));
      value += stride;
    }
    if (dims > 2) v128.store(out, sums);
    else v128.store64_lane(out, sums, 0);
  }
}
