/** The public API of the engine. */

export { readModelConfig } from './checkpoint/read-config.ts';
export { type ModelConfig, type MoeConfig, parseModelConfig, type WeightDtype } from './config.ts';
export type { LoadOptions } from './distributed/load-model.ts';
export { Engine } from './engine.ts';
export * from './errors.ts';
export type { AttentionArgs, Kernels, PackedMatrix, ReadRows, StoreKeyValueArgs } from './kernels/kernels.ts';
export { createScalarKernels } from './kernels/scalar.ts';
export { createWasmKernels, type WasmKernelsOptions } from './kernels/wasm.ts';
export { widen } from './kernels/widen.ts';
export type { Backend, EngineOptions, LoadProgress, Observer, ScheduleOptions } from './options.ts';
export type { PromptTokenLogprobs, TokenLogprob, TokenLogprobs } from './serving/logprobs.ts';
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
export { ChatTemplate, type RenderOptions } from './text/chat.ts';
export type { ChatMessage, FunctionCall } from './text/conversation.ts';
export type { TextStream } from './text/stream.ts';
export { type DecodeOptions, type EncodeOptions, Tokenizer } from './text/tokenizer.ts';
