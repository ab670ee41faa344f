// The SIMD kernels: the numerics of ../kernels.ts over addresses in one shared memory. Nothing here
// allocates or checks its arguments; ../wasm.ts does. Vectors are strict f32x4: no relaxed SIMD, no fused
// multiply-add.

export { half1, half2, half3, half4, onward1, onward2, onward3, onward4 } from './matmul/half-tile';
// Exported, so that the compiler does not inline them: V8 fuses vectors to 256 bits only where each tile is
// a function.
export {
  fourPanelsBF16,
  fourPanelsF16,
  fourPanelsF32,
  fourRows,
  oneRow,
  threeRows,
  twoRows,
} from './matmul/tile';
export { attach, close, fail, run, serve, setScratch, share } from './threads/threads';
