/** Upper limits of WebAssembly on this machine: reading memory in order, and arithmetic in registers. */

/** Bytes that a turn of the reading loop takes; what is read has a multiple of them. */
const STRIDE: usize = 128;

/**
 * Reads memory from `address` on, eight vectors at a time.
 * @returns a value that depends on every byte, so that the compiler removes no read.
 */
export function read(address: usize, bytes: usize): i32 {
  let a = i64x2.splat(0);
  let b = i64x2.splat(0);
  let c = i64x2.splat(0);
  let d = i64x2.splat(0);
  for (let end = address + bytes; address < end; address += STRIDE) {
    a = v128.xor(a, v128.xor(v128.load(address), v128.load(address, 16)));
    b = v128.xor(b, v128.xor(v128.load(address, 32), v128.load(address, 48)));
    c = v128.xor(c, v128.xor(v128.load(address, 64), v128.load(address, 80)));
    d = v128.xor(d, v128.xor(v128.load(address, 96), v128.load(address, 112)));
  }
  return i32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}

/**
 * Eight independent chains of fused multiply-adds: as many as hide their latency, and few enough to stay in
 * registers of 128 bits. 64 operations a turn. The operands are arguments: the compiler would load constants
 * again at every use.
 *
 * @param sums f32 [32], written
 */
export function multiplyAdd(turns: i32, factor: f32, summand: f32, sums: usize): void {
  const m = f32x4.splat(factor);
  const s = f32x4.splat(summand);
  let a0 = f32x4.splat(1.0);
  let a1 = f32x4.splat(1.1);
  let b0 = f32x4.splat(1.2);
  let b1 = f32x4.splat(1.3);
  let c0 = f32x4.splat(1.4);
  let c1 = f32x4.splat(1.5);
  let d0 = f32x4.splat(1.6);
  let d1 = f32x4.splat(1.7);
  for (let turn = 0; turn < turns; turn++) {
    a0 = f32x4.relaxed_madd(a0, m, s);
    a1 = f32x4.relaxed_madd(a1, m, s);
    b0 = f32x4.relaxed_madd(b0, m, s);
    b1 = f32x4.relaxed_madd(b1, m, s);
    c0 = f32x4.relaxed_madd(c0, m, s);
    c1 = f32x4.relaxed_madd(c1, m, s);
    d0 = f32x4.relaxed_madd(d0, m, s);
    d1 = f32x4.relaxed_madd(d1, m, s);
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  v128.store(sums, b0, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, c0, 64);
  v128.store(sums, c1, 80);
  v128.store(sums, d0, 96);
  v128.store(sums, d1, 112);
}

/**
 * The same with twenty, which V8 fuses to ten of 256 bits where it can, from the stores at the end on. 160
 * operations a turn.
 *
 * @param sums f32 [80], written
 */
export function multiplyAddWide(turns: i32, factor: f32, summand: f32, sums: usize): void {
  const m = f32x4.splat(factor);
  const s = f32x4.splat(summand);
  let a0 = f32x4.splat(1.0);
  let a1 = f32x4.splat(1.1);
  let b0 = f32x4.splat(1.2);
  let b1 = f32x4.splat(1.3);
  let c0 = f32x4.splat(1.4);
  let c1 = f32x4.splat(1.5);
  let d0 = f32x4.splat(1.6);
  let d1 = f32x4.splat(1.7);
  let e0 = f32x4.splat(1.8);
  let e1 = f32x4.splat(1.9);
  let f0 = f32x4.splat(2.0);
  let f1 = f32x4.splat(2.1);
  let g0 = f32x4.splat(2.2);
  let g1 = f32x4.splat(2.3);
  let h0 = f32x4.splat(2.4);
  let h1 = f32x4.splat(2.5);
  let i0 = f32x4.splat(2.6);
  let i1 = f32x4.splat(2.7);
  let j0 = f32x4.splat(2.8);
  let j1 = f32x4.splat(2.9);
  for (let turn = 0; turn < turns; turn++) {
    a0 = f32x4.relaxed_madd(a0, m, s);
    a1 = f32x4.relaxed_madd(a1, m, s);
    b0 = f32x4.relaxed_madd(b0, m, s);
    b1 = f32x4.relaxed_madd(b1, m, s);
    c0 = f32x4.relaxed_madd(c0, m, s);
    c1 = f32x4.relaxed_madd(c1, m, s);
    d0 = f32x4.relaxed_madd(d0, m, s);
    d1 = f32x4.relaxed_madd(d1, m, s);
    e0 = f32x4.relaxed_madd(e0, m, s);
    e1 = f32x4.relaxed_madd(e1, m, s);
    f0 = f32x4.relaxed_madd(f0, m, s);
    f1 = f32x4.relaxed_madd(f1, m, s);
    g0 = f32x4.relaxed_madd(g0, m, s);
    g1 = f32x4.relaxed_madd(g1, m, s);
    h0 = f32x4.relaxed_madd(h0, m, s);
    h1 = f32x4.relaxed_madd(h1, m, s);
    i0 = f32x4.relaxed_madd(i0, m, s);
    i1 = f32x4.relaxed_madd(i1, m, s);
    j0 = f32x4.relaxed_madd(j0, m, s);
    j1 = f32x4.relaxed_madd(j1, m, s);
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  v128.store(sums, b0, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, c0, 64);
  v128.store(sums, c1, 80);
  v128.store(sums, d0, 96);
  v128.store(sums, d1, 112);
  v128.store(sums, e0, 128);
  v128.store(sums, e1, 144);
  v128.store(sums, f0, 160);
  v128.store(sums, f1, 176);
  v128.store(sums, g0, 192);
  v128.store(sums, g1, 208);
  v128.store(sums, h0, 224);
  v128.store(sums, h1, 240);
  v128.store(sums, i0, 256);
  v128.store(sums, i1, 272);
  v128.store(sums, j0, 288);
  v128.store(sums, j1, 304);
}
