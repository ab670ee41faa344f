import { rmsNorm } from '../reference/rms-norm.ts';
import type { NormSite, Taps } from '../reference/tapped-kernels.ts';
import type { Bug } from './bug.ts';

const NORM_NAMES: Partial<Record<NormSite, string>> = {
  input: 'input_layernorm',
  q: 'self_attn.q_norm',
  k: 'self_attn.k_norm',
  postAttention: 'post_attention_layernorm',
};

/** A layer that adds nothing to the stream. */
const withoutLayer = (missing: number): Taps => ({
  residual({ layer, compute }) {
    if (layer !== missing) compute();
  },
});

/** tanh's approximation of GELU (Hendrycks & Gimpel 2016). */
const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

export const LAYER_BUGS: readonly Bug[] = [
  {
    name: 'first-layer-missing',
    title: 'the first layer is skipped',
    make: () => ({ taps: withoutLayer(0) }),
  },
  {
    name: 'last-layer-missing',
    title: 'the last layer is skipped',
    make: ({ config }) => ({ taps: withoutLayer(config.numHiddenLayers - 1) }),
  },
  {
    name: 'last-layers-exchanged',
    title: 'the last two layers are exchanged',
    applies: ({ moe, numHiddenLayers: n }) => n > 1 && moe?.sparseLayers[n - 1] === moe?.sparseLayers[n - 2],
    make: ({ config, vector }) => {
      const last = config.numHiddenLayers - 1;
      const other = (layer: number) => (layer === last ? last - 1 : layer === last - 1 ? last : layer);
      return {
        taps: {
          matmul({ name, compute }) {
            compute(
              name.replace(/^(model\.layers\.)(\d+)/, (_, prefix, layer) => prefix + other(Number(layer))),
            );
          },
          rmsNorm(call) {
            const name = NORM_NAMES[call.site];
            if (name === undefined || other(call.layer) === call.layer) call.compute();
            else rmsNorm(call, vector(`model.layers.${other(call.layer)}.${name}.weight`), call.eps);
          },
        },
      };
    },
  },
  {
    name: 'attention-residual-missing',
    title: 'the residual around attention is dropped',
    make: () => ({
      taps: {
        residual({ site, x, y, length, compute }) {
          if (site === 'attention') x.set(y.subarray(0, length));
          else compute();
        },
      },
    }),
  },
  {
    name: 'mlp-residual-after-norm',
    title: 'the residual around the MLP is taken after the norm',
    make: () => {
      let normed: Float32Array | undefined;
      return {
        taps: {
          rmsNorm({ site, y, rows, weight, compute }) {
            compute();
            if (site === 'postAttention') normed = y.slice(0, rows * weight.length);
          },
          residual({ site, x, compute }) {
            if (site === 'mlp') x.set(normed!);
            compute();
          },
        },
      };
    },
  },
  {
    name: 'gate-and-up-swapped',
    title: 'gate and up are swapped',
    make: () => ({
      taps: {
        matmul({ name, compute }) {
          compute(
            name.replace(/\.(gate|up)_proj\./, (_, which) =>
              which === 'gate' ? '.up_proj.' : '.gate_proj.',
            ),
          );
        },
      },
    }),
  },
  {
    name: 'gelu-for-silu',
    title: 'the MLP is gated by GELU, not SiLU',
    make: () => ({
      taps: {
        siluMultiply({ gate, up, length }) {
          for (let i = 0; i < length; i++) gate[i] = gelu(gate[i]) * up[i];
        },
      },
    }),
  },
];
