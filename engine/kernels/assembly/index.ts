// The SIMD kernels: the numerics of ../kernels.ts over addresses in one shared memory. Nothing here
// allocates or checks its arguments; ../wasm.ts does. The only relaxed instruction is multiply-add.ts's.

// Loops over vectors are exported, so that the compiler does not inline them: V8 fuses vectors to 256 bits
// only where each loop is a function.
export { replaceByExp } from './attention/softmax';
export * from './attention/value-rows';
export * from './attention/value-tile';
export { replaceBySilu } from './elementwise/elementwise';
export * from './matmul/four-panels';
export { addEightLeaves } from './matmul/leaves';
export * from './matmul/tile';
export { fuses } from './multiply-add';
export { attach, close, fail, run, serve, setScratch, share } from './threads/threads';
