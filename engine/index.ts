/** The public API of the engine. */

export {
  type ModelConfig,
  type MoeConfig,
  parseModelConfig,
  readModelConfig,
  type WeightDtype,
} from './config.ts';
export { Engine, type LoadOptions } from './engine.ts';
export * from './errors.ts';
export type { AttentionArgs, Kernels, PackedMatrix, ReadRows, StoreKeyValueArgs } from './kernels/kernels.ts';
export { createScalarKernels, widen } from './kernels/scalar.ts';
export { createWasmKernels, type WasmKernelsOptions } from './kernels/wasm.ts';
export type { Backend, EngineOptions, LoadProgress, Observer, ScheduleOptions } from './options.ts';
export type { TokenLogprob, TokenLogprobs } from './serving/logprobs.ts';
export type {
  EngineStats,
  ErrorEvent,
  FinishReason,
  ForwardOptions,
  ForwardResult,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  ResultEvent,
  TokenEvent,
} from './serving/requests.ts';
export type { SamplingOptions } from './serving/sampling-params.ts';
