/** The public API of the engine. */

export { type ModelConfig, type MoeConfig, parseModelConfig, readModelConfig } from './config.ts';
export { Engine } from './engine.ts';
export * from './errors.ts';
export type {
  Delta,
  EngineOptions,
  FinishReason,
  ForwardOptions,
  ForwardResult,
  GenerateRequest,
  GenerateResult,
} from './requests.ts';
