// The SIMD kernels: the numerics of ../kernels.ts over addresses in one shared memory. Nothing here allocates, keeps
// state or checks its arguments; ../wasm.ts does. Vectors are strict f32x4: no relaxed SIMD, no fused multiply-add.
export { gatherBF16, gatherF16, gatherF32 } from './gather';
export { attach, close, fail, run, serve, setScratch, share } from './threads';
// Exported so that no compiler dissolves them in their callers: V8 fuses their vectors only while each is a function of its own.
export {
  fourPanelsBF16,
  fourPanelsF16,
  fourPanelsF32,
  fourRows,
  half1,
  half2,
  half3,
  half4,
  oneRow,
  onward1,
  onward2,
  onward3,
  onward4,
  threeRows,
  twoRows,
} from './tiles';
