import type { ModelConfig } from '../../engine/index.ts';
import type { Bug } from './bug.ts';

const isMixture = ({ moe }: ModelConfig) => moe !== undefined;

export const MIXTURE_BUGS: readonly Bug[] = [
  {
    name: 'experts-not-renormalised',
    title: 'the chosen experts are not renormalised',
    applies: ({ moe }) => moe?.normTopkProb === true,
    make: () => ({ config: { norm_topk_prob: false } }),
  },
  {
    name: 'experts-renormalised',
    title: 'the chosen experts are renormalised where they should not be',
    applies: ({ moe }) => moe?.normTopkProb === false,
    make: () => ({ config: { norm_topk_prob: true } }),
  },
  {
    name: 'one-expert-too-few',
    title: 'one expert too few is chosen',
    applies: ({ moe }) => (moe?.numExpertsPerTok ?? 0) > 1,
    make: ({ config }) => ({ config: { num_experts_per_tok: config.moe!.numExpertsPerTok - 1 } }),
  },
  {
    name: 'one-expert-too-many',
    title: 'one expert too many is chosen',
    applies: ({ moe }) => moe !== undefined && moe.numExpertsPerTok < moe.numExperts,
    make: ({ config }) => ({ config: { num_experts_per_tok: config.moe!.numExpertsPerTok + 1 } }),
  },
  {
    name: 'router-negated',
    title: 'the least probable experts are chosen',
    applies: isMixture,
    make: () => ({
      taps: {
        matmul({ name, y, rows, matrix, compute }) {
          compute();
          if (!name.endsWith('.mlp.gate.weight')) return;
          for (let i = 0; i < rows * matrix.outputs; i++) y[i] = -y[i];
        },
      },
    }),
  },
  {
    name: 'expert-missing',
    title: "the first expert's output is lost",
    applies: isMixture,
    make: () => ({
      taps: {
        matmul({ name, y, rows, matrix, compute }) {
          compute();
          if (name.endsWith('.experts.0.down_proj.weight')) y.fill(0, 0, rows * matrix.outputs);
        },
      },
    }),
  },
];
