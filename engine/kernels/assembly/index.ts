// The SIMD kernels: the numerics of ../kernels.ts over addresses in one shared memory. Nothing here allocates, keeps
// state or checks its arguments; ../wasm.ts does. Vectors are strict f32x4: no relaxed SIMD, no fused multiply-add.
export { attention } from './attention';
export { add, addScaled, siluMultiply } from './elementwise';
export { gatherBF16, gatherF16, gatherF32 } from './gather';
export { storeKeyValue } from './key-value';
export { matmulBF16, matmulF16, matmulF32 } from './matmul';
export { rmsNorm } from './rms-norm';
export { rope } from './rope';
