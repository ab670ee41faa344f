import type { PackedMatrix } from '../kernels/kernels.ts';
import type { WeightLoader } from './loader.ts';
import type { Step } from './step.ts';

/** The gated MLP `down(silu(gate(x)) · up(x))` (SwiGLU, Shazeer 2020; HuggingFace `Qwen3MLP`). */
export class Mlp {
  readonly gateProj: PackedMatrix;
  readonly upProj: PackedMatrix;
  readonly downProj: PackedMatrix;

  /** @param prefix of the weights' names, `model.layers.0.mlp` or an expert's. */
  constructor(weights: WeightLoader, prefix: string) {
    this.gateProj = weights.matrix(`${prefix}.gate_proj.weight`);
    this.upProj = weights.matrix(`${prefix}.up_proj.weight`);
    this.downProj = weights.matrix(`${prefix}.down_proj.weight`);
  }

  /** @param x f32 [rows, hiddenSize] @param y f32 [rows, hiddenSize], written; may be x */
  forward(step: Step, x: Float32Array, rows: number, y: Float32Array): void {
    this.partial(step, x, rows, y);
    step.shard.sum(y, rows * this.downProj.outputs, step.kernels);
  }

  /** The same for this rank's columns only; the caller adds up the ranks. */
  partial(step: Step, x: Float32Array, rows: number, y: Float32Array): void {
    const { kernels, gate, up } = step;
    kernels.matmul(x, rows, this.gateProj, gate);
    kernels.matmul(x, rows, this.upProj, up);
    kernels.siluMultiply(gate, up, rows * this.gateProj.outputs);
    kernels.matmul(gate, rows, this.downProj, y);
  }
}
