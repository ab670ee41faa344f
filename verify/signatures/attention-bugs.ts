import { type AttendOptions, attend } from '../reference/attend.ts';
import type { AttentionCall, Taps } from '../reference/tapped-kernels.ts';
import type { Bug } from './bug.ts';

const attending = (options: (call: AttentionCall) => AttendOptions): Taps => ({
  attention: (call) => attend(call, options(call)),
});

const seeing = (sees: (row: number, position: number) => boolean): Taps => attending(() => ({ sees }));

const BLOCK = 16;

/** The newest position up to `row` that a cache of `size` slots keeps where `position` was. */
const newestInSlot = (size: number) => (position: number, row: number) =>
  position + size * Math.floor((row - position) / size);

/** Symmetric rounding to 8 bits, one scale for each head of each position. */
function quantizeHeads(values: Float32Array, headDim: number): Float32Array {
  const rounded = values.slice();
  for (let begin = 0; begin < values.length; begin += headDim) {
    const head = rounded.subarray(begin, begin + headDim);
    const scale = head.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 127;
    if (scale > 0) for (let d = 0; d < headDim; d++) head[d] = Math.round(head[d] / scale) * scale;
  }
  return rounded;
}

/** float8 E4M3: 3 bits of mantissa, denormals below 2⁻⁶, at most 448 (OCP 8-bit floating point). */
function toFloat8(values: Float32Array): Float32Array {
  return values.map((x) => {
    const exponent = Math.max(-6, Math.floor(Math.log2(Math.abs(x))));
    const unit = 2 ** (exponent - 3);
    return x === 0 ? x : Math.max(-448, Math.min(448, Math.round(x / unit) * unit));
  });
}

const WINDOWS = [32, 64, 128] as const;

export const ATTENTION_BUGS: readonly Bug[] = [
  ...WINDOWS.map(
    (window): Bug => ({
      name: `window-${window}`,
      title: `attention sees the last ${window} positions only`,
      make: () => ({ taps: seeing((row, position) => position <= row && position > row - window) }),
    }),
  ),
  {
    name: 'attention-not-causal',
    title: 'attention sees what follows',
    make: () => ({ taps: seeing(() => true) }),
  },
  {
    name: 'own-key-missing',
    title: 'a token does not see itself',
    make: () => ({ taps: seeing((row, position) => (row === 0 ? position === 0 : position < row)) }),
  },
  {
    name: 'previous-key-missing',
    title: 'a token does not see the one before it',
    make: () => ({ taps: seeing((row, position) => position <= row && position !== row - 1) }),
  },
  {
    name: 'first-key-missing',
    title: 'the first token is not seen by later ones',
    make: () => ({ taps: seeing((row, position) => position <= row && (position > 0 || row === 0)) }),
  },
  {
    name: 'cache-wraps-at-block',
    title: 'the cache has room for 16 positions and wraps around',
    make: () => ({ taps: attending(() => ({ storedAt: newestInSlot(BLOCK) })) }),
  },
  {
    name: 'cache-wraps-at-64',
    title: 'the cache has room for 64 positions and wraps around',
    make: () => ({ taps: attending(() => ({ storedAt: newestInSlot(64) })) }),
  },
  {
    name: 'stale-block',
    title: 'after a prefix hit the second block holds the first one',
    make: () => ({
      taps: attending(() => ({
        storedAt: (position) => (position >= BLOCK && position < 2 * BLOCK ? position - BLOCK : position),
      })),
    }),
  },
  {
    name: 'key-value-heads-by-remainder',
    title: 'query heads read key-value head h mod n, not ⌊h · n / heads⌋',
    applies: ({ numAttentionHeads, numKeyValueHeads }) =>
      numKeyValueHeads > 1 && numKeyValueHeads < numAttentionHeads,
    make: ({ config }) => ({
      taps: attending(() => ({ keyHeadOf: (head) => head % config.numKeyValueHeads })),
    }),
  },
  {
    name: 'head-missing',
    title: "the first query head's output is lost",
    make: ({ config }) => ({
      taps: {
        attention({ out, rows, numAttentionHeads, headDim, compute }) {
          compute();
          for (let row = 0; row < rows; row++) {
            const begin = row * numAttentionHeads * config.headDim;
            out.fill(0, begin, begin + headDim);
          }
        },
      },
    }),
  },
  {
    name: 'scores-not-scaled',
    title: 'scores are not scaled',
    make: () => ({ taps: attending(() => ({ scale: 1 })) }),
  },
  {
    name: 'scores-scaled-by-hidden-size',
    title: 'scores are scaled by 1/√hiddenSize',
    applies: ({ hiddenSize, headDim }) => hiddenSize !== headDim,
    make: ({ config }) => ({ taps: attending(() => ({ scale: 1 / Math.sqrt(config.hiddenSize) })) }),
  },
  {
    name: 'scores-2-percent-high',
    title: 'scores are scaled 2 % too high',
    make: () => ({ taps: attending(({ scale }) => ({ scale: scale * 1.02 })) }),
  },
  {
    name: 'key-value-cache-8-bit',
    title: 'keys and values are cached in 8 bits',
    make: () => ({
      taps: {
        attention: (call) =>
          attend({
            ...call,
            k: quantizeHeads(call.k, call.headDim),
            v: quantizeHeads(call.v, call.headDim),
          }),
      },
    }),
  },
  {
    name: 'key-value-cache-float8',
    title: 'keys and values are cached as float8 (E4M3)',
    make: () => ({
      taps: { attention: (call) => attend({ ...call, k: toFloat8(call.k), v: toFloat8(call.v) }) },
    }),
  },
];
