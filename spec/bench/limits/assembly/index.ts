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
 * Twelve independent chains of a multiplication and an addition, each rounded on its own: as many as hide
 * the latency of both, and with their two operands as few as stay in registers. 96 operations a turn. The
 * operands are arguments: the compiler would load constants again at every use.
 */
export function multiplyAdd(turns: i32, factor: f32, summand: f32): f32 {
  const m = f32x4.splat(factor);
  const s = f32x4.splat(summand);
  let a = f32x4.splat(1.0);
  let b = f32x4.splat(1.1);
  let c = f32x4.splat(1.2);
  let d = f32x4.splat(1.3);
  let e = f32x4.splat(1.4);
  let f = f32x4.splat(1.5);
  let g = f32x4.splat(1.6);
  let h = f32x4.splat(1.7);
  let i = f32x4.splat(1.8);
  let j = f32x4.splat(1.9);
  let k = f32x4.splat(2.0);
  let l = f32x4.splat(2.1);
  for (let turn = 0; turn < turns; turn++) {
    a = f32x4.add(f32x4.mul(a, m), s);
    b = f32x4.add(f32x4.mul(b, m), s);
    c = f32x4.add(f32x4.mul(c, m), s);
    d = f32x4.add(f32x4.mul(d, m), s);
    e = f32x4.add(f32x4.mul(e, m), s);
    f = f32x4.add(f32x4.mul(f, m), s);
    g = f32x4.add(f32x4.mul(g, m), s);
    h = f32x4.add(f32x4.mul(h, m), s);
    i = f32x4.add(f32x4.mul(i, m), s);
    j = f32x4.add(f32x4.mul(j, m), s);
    k = f32x4.add(f32x4.mul(k, m), s);
    l = f32x4.add(f32x4.mul(l, m), s);
  }
  const first = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(e, f));
  const second = f32x4.add(f32x4.add(f32x4.add(g, h), f32x4.add(i, j)), f32x4.add(k, l));
  return f32x4.extract_lane(f32x4.add(first, second), 0);
}
