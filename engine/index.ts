/** The public API of the engine. */

export { type ModelConfig, type MoeConfig, parseModelConfig, readModelConfig } from './config.ts';
export {
  type Delta,
  Engine,
  type EngineOptions,
  type FinishReason,
  type ForwardOptions,
  type ForwardResult,
  type GenerateRequest,
  type GenerateResult,
} from './engine.ts';
export * from './errors.ts';
