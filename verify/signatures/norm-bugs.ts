import { rmsNorm } from '../reference/rms-norm.ts';
import type { NormCall, NormSite, Taps } from '../reference/tapped-kernels.ts';
import type { Bug } from './bug.ts';

/** What a norm leaves if it is not applied. */
function skip({ x, y, rows, weight }: NormCall): void {
  if (x !== y) y.set(x.subarray(0, rows * weight.length));
}

function without(is: (call: NormCall) => boolean): Taps {
  return { rmsNorm: (call) => (is(call) ? skip(call) : call.compute()) };
}

const withEps = (eps: number): Taps => ({ rmsNorm: (call) => call.compute(eps) });

const EPS: readonly { name: string; title: string; of: (eps: number) => number }[] = [
  { name: 'eps-x10', title: 'eps is ten times too large', of: (eps) => eps * 10 },
  { name: 'eps-tenth', title: 'eps is a tenth of what it should be', of: (eps) => eps / 10 },
  { name: 'eps-1e-3', title: 'eps is 1e-3', of: () => 1e-3 },
  { name: 'eps-1e-6', title: 'eps is 1e-6, the default', of: () => 1e-6 },
];

/** Gains of one site used at another. */
const SWAPPED: Partial<Record<NormSite, string>> = { q: 'k_norm', k: 'q_norm' };

export const NORM_BUGS: readonly Bug[] = [
  ...EPS.map(
    ({ name, title, of }): Bug => ({
      name,
      title,
      applies: ({ rmsNormEps }) => of(rmsNormEps) !== rmsNormEps,
      make: ({ config }) => ({ taps: withEps(of(config.rmsNormEps)) }),
    }),
  ),
  {
    name: 'qk-norms-swapped',
    title: 'the norms of queries and keys are swapped',
    make: ({ vector }) => ({
      taps: {
        rmsNorm(call) {
          const other = SWAPPED[call.site];
          if (other === undefined) call.compute();
          else rmsNorm(call, vector(`model.layers.${call.layer}.self_attn.${other}.weight`), call.eps);
        },
      },
    }),
  },
  {
    name: 'q-norm-missing',
    title: 'queries are not normed',
    make: () => ({ taps: without(({ site }) => site === 'q') }),
  },
  {
    name: 'k-norm-missing',
    title: 'keys are not normed',
    make: () => ({ taps: without(({ site }) => site === 'k') }),
  },
  {
    name: 'q-norm-missing-last-layer',
    title: 'queries are not normed in the last layer',
    make: ({ config }) => ({
      taps: without(({ site, layer }) => site === 'q' && layer === config.numHiddenLayers - 1),
    }),
  },
  {
    name: 'q-norm-after-rope',
    title: 'queries are normed after RoPE',
    make: ({ vector, config }) => ({
      taps: {
        ...without(({ site }) => site === 'q'),
        rope({ site, layer, x, rows, heads, compute }) {
          compute();
          if (site !== 'q') return;
          const gains = vector(`model.layers.${layer}.self_attn.q_norm.weight`);
          rmsNorm({ x, y: x, rows: rows * heads }, gains, config.rmsNormEps);
        },
      },
    }),
  },
  {
    name: 'final-norm-missing',
    title: 'the last norm is skipped',
    make: () => ({ taps: without(({ site }) => site === 'final') }),
  },
];
