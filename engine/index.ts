/** The public API of the engine. */

export { type ModelConfig, type MoeConfig, parseModelConfig, readModelConfig } from './config.ts';
export { Engine } from './engine.ts';
export * from './errors.ts';
export type { TokenLogprob, TokenLogprobs } from './serving/logprobs.ts';
export type {
  Backend,
  EngineOptions,
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
