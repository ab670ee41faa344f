import type { MoeConfig } from '../config.ts';
import { softmax } from '../kernels/exp.ts';
import type { PackedMatrix } from '../kernels/kernels.ts';
import type { WeightLoader } from './loader.ts';
import { Mlp } from './mlp.ts';
import type { Step } from './step.ts';

/** A mixture of experts (HuggingFace `Qwen3MoeSparseMoeBlock`). */
export class Moe {
  readonly layer: number;
  readonly config: MoeConfig;
  readonly router: PackedMatrix;
  /** The experts of this rank. */
  readonly experts: readonly Mlp[];
  readonly #firstExpert: number;
  readonly #logits: Float32Array;
  readonly #input: Float32Array;
  readonly #outputs: Float32Array;

  constructor(weights: WeightLoader, layer: number, config: MoeConfig, maxRows: number) {
    const prefix = `model.layers.${layer}.mlp`;
    this.layer = layer;
    this.config = config;
    this.router = weights.matrix(`${prefix}.gate.weight`);
    const { first, count } = weights.shard.experts(config.numExperts);
    this.#firstExpert = first;
    this.experts = Array.from(
      { length: count },
      (_, i) => new Mlp(weights, `${prefix}.experts.${first + i}`),
    );
    // Shared by all layers, which run one after the other.
    this.#logits = weights.scratch('moe.logits', maxRows * config.numExperts);
    this.#input = weights.scratch('moe.input', maxRows * this.router.inputs);
    this.#outputs = weights.scratch('moe.outputs', maxRows * config.numExpertsPerTok * this.router.inputs);
  }

  /** @param x f32 [rows, hiddenSize] @param y f32 [rows, hiddenSize], written; must not be x */
  forward(step: Step, x: Float32Array, rows: number, y: Float32Array): void {
    const { numExperts } = this.config;
    step.kernels.matmul(x, rows, this.router, this.#logits);
    step.report(`layers.${this.layer}.router_logits`, this.#logits, numExperts);
    const routes = Array.from({ length: rows }, (_, row) =>
      route(this.#logits.subarray(row * numExperts, (row + 1) * numExperts), this.config),
    );
    const rowsOf = Array.from({ length: numExperts }, (_, id) =>
      routes.flatMap((weights, row) => (weights.has(id) ? [row] : [])),
    );
    this.#runExperts(step, rowsOf, x);
    this.#addOutputs(step, rowsOf, routes, y.subarray(0, rows * this.router.inputs));
  }

  /** Writes the outputs of experts 0, 1, …, one after the other, each for its rows. */
  #runExperts(step: Step, rowsOf: readonly number[][], x: Float32Array): void {
    const width = this.router.inputs;
    let done = 0;
    for (const [id, chosen] of rowsOf.entries()) {
      const expert = this.experts[id - this.#firstExpert];
      if (expert && chosen.length > 0) {
        for (const [i, row] of chosen.entries())
          this.#input.set(x.subarray(row * width, (row + 1) * width), i * width);
        expert.partial(step, this.#input, chosen.length, this.#outputs.subarray(done));
      }
      done += chosen.length * width;
    }
    step.shard.joinExperts(
      this.#outputs,
      rowsOf.map((chosen) => chosen.length * width),
      step.kernels,
    );
  }

  /** Adds each row's outputs in ascending order of expert, whichever rank computed them. */
  #addOutputs(
    step: Step,
    rowsOf: readonly number[][],
    routes: readonly Map<number, number>[],
    y: Float32Array,
  ): void {
    const width = this.router.inputs;
    y.fill(0);
    let done = 0;
    for (const [id, chosen] of rowsOf.entries()) {
      for (const row of chosen) {
        const sum = y.subarray(row * width, (row + 1) * width);
        const output = this.#outputs.subarray(done, done + width);
        step.kernels.addScaled(sum, output, routes[row].get(id)!, width);
        done += width;
      }
    }
  }
}

/**
 * Softmax over all experts, then the `numExpertsPerTok` most probable ones; of equal ones the lower id.
 *
 * @param logits f32 [numExperts]
 * @returns the chosen experts' ids and their weights (f32), in ascending order of id; the weights are
 * divided by their sum only if `normTopkProb`.
 */
export function route(
  logits: Float32Array,
  { numExpertsPerTok, normTopkProb }: MoeConfig,
): Map<number, number> {
  const probabilities = Float32Array.from(logits);
  softmax(probabilities);
  const chosen = Array.from(probabilities.keys())
    .sort((a, b) => probabilities[b] - probabilities[a] || a - b)
    .slice(0, numExpertsPerTok)
    .sort((a, b) => a - b);
  const sum = chosen.reduce((total, id) => Math.fround(total + probabilities[id]), 0);
  return new Map(
    chosen.map((id) => [id, normTopkProb ? Math.fround(probabilities[id] / sum) : probabilities[id]]),
  );
}
