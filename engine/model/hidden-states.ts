import type { ModelConfig } from '../config.ts';

/**
 * The residual stream of a prompt, collected from the stages that a forward pass reports: f32
 * [numHiddenLayers + 2, T, hiddenSize] with the embedding, every layer's output before the final norm, and
 * the output of the final norm.
 */
export class HiddenStates {
  readonly values: Float32Array;
  readonly #stages: string[];
  readonly #written: number[];
  readonly #stageLength: number;

  /** @param length T, positions of the prompt. */
  constructor(config: Pick<ModelConfig, 'numHiddenLayers' | 'hiddenSize'>, length: number) {
    this.#stages = Array.from({ length: config.numHiddenLayers + 1 }, (_, i) => `hidden_states.${i}`);
    this.#stages.push('hidden_states.final');
    this.#written = this.#stages.map(() => 0);
    this.#stageLength = length * config.hiddenSize;
    this.values = new Float32Array(this.#stages.length * this.#stageLength);
  }

  /** Adds the next positions of a stage; stages other than hidden states are ignored. */
  add(stage: string, values: Float32Array): void {
    const index = this.#stages.indexOf(stage);
    if (index < 0) return;
    this.values.set(values, index * this.#stageLength + this.#written[index]);
    this.#written[index] += values.length;
  }
}
