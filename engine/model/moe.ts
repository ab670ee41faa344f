import type { MoeConfig } from '../config.ts';
import type { PackedMatrix } from '../kernels/kernels.ts';
import { softmax } from '../kernels/scalar.ts';
import type { WeightLoader } from './loader.ts';
import { Mlp } from './mlp.ts';
import type { Step } from './step.ts';

/** A mixture of experts (HuggingFace `Qwen3MoeSparseMoeBlock`). */
export class Moe {
  readonly layer: number;
  readonly config: MoeConfig;
  readonly router: PackedMatrix;
  readonly experts: readonly Mlp[];
  readonly #logits: Float32Array;
  readonly #input: Float32Array;
  readonly #output: Float32Array;

  constructor(weights: WeightLoader, layer: number, config: MoeConfig, maxRows: number) {
    const prefix = `model.layers.${layer}.mlp`;
    this.layer = layer;
    this.config = config;
    this.router = weights.matrix(`${prefix}.gate.weight`);
    this.experts = Array.from(
      { length: config.numExperts },
      (_, i) => new Mlp(weights, `${prefix}.experts.${i}`),
    );
    // Shared by all layers: one layer's experts are done before the next one's begin.
    this.#logits = weights.scratch('moe.logits', maxRows * config.numExperts);
    this.#input = weights.scratch('moe.input', maxRows * this.router.inputs);
    this.#output = weights.scratch('moe.output', maxRows * this.router.inputs);
  }

  /** @param x f32 [rows, hiddenSize] @param y f32 [rows, hiddenSize], written; must not be x */
  forward(step: Step, x: Float32Array, rows: number, y: Float32Array): void {
    const { numExperts } = this.config;
    step.kernels.matmul(x, rows, this.router, this.#logits);
    step.report(`layers.${this.layer}.router_logits`, this.#logits, numExperts);
    const routes = Array.from({ length: rows }, (_, row) =>
      route(this.#logits.subarray(row * numExperts, (row + 1) * numExperts), this.config),
    );
    y.fill(0, 0, rows * this.router.inputs);
    // Ascending expert ids fix the order in which a row's outputs are added.
    for (const [id, expert] of this.experts.entries()) this.#addExpert(step, expert, id, routes, x, y);
  }

  #addExpert(
    step: Step,
    expert: Mlp,
    id: number,
    routes: Map<number, number>[],
    x: Float32Array,
    y: Float32Array,
  ): void {
    const width = this.router.inputs;
    const chosen = routes.flatMap((weights, row) => (weights.has(id) ? [row] : []));
    if (chosen.length === 0) return;
    for (const [i, row] of chosen.entries())
      this.#input.set(x.subarray(row * width, (row + 1) * width), i * width);
    expert.forward(step, this.#input, chosen.length, this.#output);
    for (const [i, row] of chosen.entries()) {
      const sum = y.subarray(row * width, (row + 1) * width);
      const output = this.#output.subarray(i * width, (i + 1) * width);
      step.kernels.addScaled(sum, output, routes[row].get(id)!, width);
    }
  }
}

/**
 * Softmax over all experts, then the `numExpertsPerTok` most probable ones; of equal ones the lower id.
 *
 * @param logits f32 [numExperts]
 * @returns the chosen experts' ids and their weights (f32), in ascending order of id; the weights are divided by
 * their sum only if `normTopkProb`.
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
