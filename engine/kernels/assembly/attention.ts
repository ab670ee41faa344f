// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { argument, Job } from './job';
import { exponentials } from './softmax';

/**
 * Causal softmax attention of the (row, head) pairs first … last, counted row by row. The arguments are, of AttentionArgs in
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
    for (; rest >= 16; rest -= 16) {
      Positions.score(16, q, qEnd, key, stride, scale, scores);
      key += 64;
      scores += 64;
    }
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
    for (; d + 128 <= headBytes; d += 128) Positions.add(32, p, pEnd, value + d, headBytes, out + d);
    for (; d + 16 <= headBytes; d += 16) Positions.add(4, p, pEnd, value + d, headBytes, out + d);
    if (d < headBytes) Positions.add(2, p, pEnd, value + d, headBytes, out + d);
    p = pEnd;
    blockTable += sizeof<u32>();
  }
}

/** Adjacent positions of one block. The first parameter is a constant wherever these are inlined. */
// biome-ignore lint/complexity/noStaticOnlyClass: Biome parses AssemblyScript's @inline on methods only.
class Positions {
  /** Scores of 16, 4 or 1 positions. @param stride bytes from a dimension of the keys to the next */
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
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (; q < qEnd; q += sizeof<f32>()) {
      const x = v128.load32_splat(q);
      a = f32x4.add(a, f32x4.mul(x, positions > 1 ? v128.load(key) : v128.load32_zero(key)));
      if (positions > 4) {
        b = f32x4.add(b, f32x4.mul(x, v128.load(key, 16)));
        c = f32x4.add(c, f32x4.mul(x, v128.load(key, 32)));
        d = f32x4.add(d, f32x4.mul(x, v128.load(key, 48)));
      }
      key += stride;
    }
    const factor = f32x4.splat(scale);
    if (positions === 1) {
      store<f32>(scores, f32x4.extract_lane(a, 0) * scale);
      return;
    }
    v128.store(scores, f32x4.mul(a, factor));
    if (positions > 4) {
      v128.store(scores, f32x4.mul(b, factor), 16);
      v128.store(scores, f32x4.mul(c, factor), 32);
      v128.store(scores, f32x4.mul(d, factor), 48);
    }
  }

  /** Adds 32, 4 or 2 dimensions of the values, weighed by p. @param stride bytes from a position's values to the next */
  @inline
  static add(dims: usize, p: usize, pEnd: usize, value: usize, stride: usize, out: usize): void {
    let a0 = dims > 2 ? v128.load(out) : v128.load64_zero(out);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let a4 = a0;
    let a5 = a0;
    let a6 = a0;
    let a7 = a0;
    if (dims > 4) {
      a1 = v128.load(out, 16);
      a2 = v128.load(out, 32);
      a3 = v128.load(out, 48);
      a4 = v128.load(out, 64);
      a5 = v128.load(out, 80);
      a6 = v128.load(out, 96);
      a7 = v128.load(out, 112);
    }
    for (; p < pEnd; p += sizeof<f32>()) {
      const w = v128.load32_splat(p);
      a0 = f32x4.add(a0, f32x4.mul(w, dims > 2 ? v128.load(value) : v128.load64_zero(value)));
      if (dims > 4) {
        a1 = f32x4.add(a1, f32x4.mul(w, v128.load(value, 16)));
        a2 = f32x4.add(a2, f32x4.mul(w, v128.load(value, 32)));
        a3 = f32x4.add(a3, f32x4.mul(w, v128.load(value, 48)));
        a4 = f32x4.add(a4, f32x4.mul(w, v128.load(value, 64)));
        a5 = f32x4.add(a5, f32x4.mul(w, v128.load(value, 80)));
        a6 = f32x4.add(a6, f32x4.mul(w, v128.load(value, 96)));
        a7 = f32x4.add(a7, f32x4.mul(w, v128.load(value, 112)));
      }
      value += stride;
    }
    if (dims > 2) v128.store(out, a0);
    else v128.store64_lane(out, a0, 0);
    if (dims > 4) {
      v128.store(out, a1, 16);
      v128.store(out, a2, 32);
      v128.store(out, a3, 48);
      v128.store(out, a4, 64);
      v128.store(out, a5, 80);
      v128.store(out, a6, 96);
      v128.store(out, a7, 112);
    }
  }
}
