import type { RopeCall, Taps } from '../reference/tapped-kernels.ts';
import type { Bug } from './bug.ts';

/** Pair (d, d + headDim/2) of each head turned by `position(row) · θ^(−2d/headDim)`. */
function turn({ x, rows, heads, headDim }: RopeCall, theta: number, position = (row: number) => row): void {
  const half = headDim / 2;
  for (let row = 0; row < rows; row++) {
    for (let d = 0; d < half; d++) {
      const angle = position(row) * theta ** ((-2 * d) / headDim);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      for (let head = 0; head < heads; head++) {
        const at = (row * heads + head) * headDim + d;
        const [a, b] = [x[at], x[at + half]];
        x[at] = a * cos - b * sin;
        x[at + half] = b * cos + a * sin;
      }
    }
  }
}

const withTheta = (theta: number): Taps => ({ rope: (call) => turn(call, theta) });

/** Other values of theta, each a mistake of its own. */
const THETAS: readonly { name: string; title: string; of: (theta: number) => number }[] = [
  { name: 'rope-theta-x10', title: 'RoPE theta is ten times too large', of: (theta) => theta * 10 },
  {
    name: 'rope-theta-tenth',
    title: 'RoPE theta is a tenth of what it should be',
    of: (theta) => theta / 10,
  },
  { name: 'rope-theta-1-percent', title: 'RoPE theta is 1 % too large', of: (theta) => theta * 1.01 },
  { name: 'rope-theta-10000', title: 'RoPE theta is 10000, the default', of: () => 10000 },
  { name: 'rope-theta-1000000', title: 'RoPE theta is 1000000, of another model', of: () => 1e6 },
];

export const ROPE_BUGS: readonly Bug[] = [
  ...THETAS.map(
    ({ name, title, of }): Bug => ({
      name,
      title,
      applies: ({ ropeTheta }) => of(ropeTheta) !== ropeTheta,
      make: ({ config }) => ({ taps: withTheta(of(config.ropeTheta)) }),
    }),
  ),
  {
    name: 'rope-missing',
    title: 'queries and keys are not rotated',
    make: () => ({ taps: { rope() {} } }),
  },
  {
    name: 'rope-interleaved',
    title: 'RoPE rotates the pairs (2d, 2d + 1)',
    make: () => ({
      taps: {
        rope({ x, rows, heads, headDim, cos, sin }) {
          const half = headDim / 2;
          for (let i = 0; i < rows * heads; i++) {
            for (let d = 0; d < half; d++) {
              const at = i * headDim + 2 * d;
              const angle = Math.floor(i / heads) * half + d;
              const [a, b] = [x[at], x[at + 1]];
              x[at] = a * cos[angle] - b * sin[angle];
              x[at + 1] = b * cos[angle] + a * sin[angle];
            }
          }
        },
      },
    }),
  },
  {
    name: 'rope-reversed',
    title: 'RoPE turns the other way',
    // The scores change only if queries and keys do not turn alike: cos is even, sin odd.
    make: ({ config }) => ({ taps: { rope: (call) => turn(call, config.ropeTheta, (row) => -row) } }),
  },
  {
    name: 'rope-on-values',
    title: 'values are rotated too',
    make: () => {
      let values: Float32Array | undefined;
      return {
        taps: {
          matmul({ name, y, compute }) {
            compute();
            if (name.endsWith('.v_proj.weight')) values = y;
          },
          rope(call) {
            const { site, x, rows, heads, headDim, cos, sin, compute } = call;
            compute();
            if (site === 'k') rotate(values!.subarray(0, x.length), { rows, heads, headDim, cos, sin });
          },
        },
      };
    },
  },
  {
    name: 'query-position-off-by-one',
    title: 'queries are rotated one position farther than keys',
    make: ({ config }) => ({
      taps: { rope: (call) => turn(call, config.ropeTheta, (row) => (call.site === 'q' ? row + 1 : row)) },
    }),
  },
  {
    name: 'positions-from-1',
    title: 'positions begin at 1',
    make: ({ config }) => ({ taps: { rope: (call) => turn(call, config.ropeTheta, (row) => row + 1) } }),
  },
  {
    name: 'positions-wrap-at-64',
    title: 'positions begin again at 0 after 64',
    make: ({ config }) => ({ taps: { rope: (call) => turn(call, config.ropeTheta, (row) => row % 64) } }),
  },
  {
    name: 'decode-position-late',
    title: 'decoding begins one position too late',
    make: ({ config, promptLength }) => ({
      taps: {
        rope: (call) => turn(call, config.ropeTheta, (row) => (row < promptLength() ? row : row + 1)),
      },
    }),
  },
  {
    name: 'decode-position-early',
    title: 'decoding begins one position too early',
    make: ({ config, promptLength }) => ({
      taps: {
        rope: (call) => turn(call, config.ropeTheta, (row) => (row < promptLength() ? row : row - 1)),
      },
    }),
  },
];

function rotate(
  x: Float32Array,
  { rows, heads, headDim, cos, sin }: Pick<RopeCall, 'rows' | 'heads' | 'headDim' | 'cos' | 'sin'>,
): void {
  const half = headDim / 2;
  for (let i = 0; i < rows * heads; i++) {
    for (let d = 0; d < half; d++) {
      const at = i * headDim + d;
      const angle = Math.floor(i / heads) * half + d;
      const [a, b] = [x[at], x[at + half]];
      x[at] = a * cos[angle] - b * sin[angle];
      x[at + half] = b * cos[angle] + a * sin[angle];
    }
  }
}
