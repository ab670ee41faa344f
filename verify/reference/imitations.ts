import type { ModelConfig } from '../../engine/index.ts';
import type { PrecisionClass } from '../precision.ts';
import { type AttentionKind, activationTaps } from './activations.ts';
import { reorderedSums } from './reordered-sums.ts';
import { ditheredBf16, ditheredF16, type Round, roundToBf16, roundToF16 } from './rounding.ts';
import type { Taps } from './tapped-kernels.ts';
import { BLOCK, quantizeQ4, quantizeQ8, quantizeSymmetric } from './weight-blocks.ts';

/** An honest engine of a precision class, as our engine imitates it. */
export interface ImitationSpec {
  readonly precision: PrecisionClass;
  readonly name: string;
  /** Whether it is only one more draw of the class's noise, not what a particular engine computes. */
  readonly isDraw?: boolean;
  /** Made anew for each pass: taps may have a state. The same `weights` share a loaded model. */
  readonly taps: () => Taps;
}

const F16_WEIGHTS: Pick<Taps, 'weights'> = { weights: (_name, rows) => roundToF16(rows) };
const BF16_WEIGHTS: Pick<Taps, 'weights'> = { weights: (_name, rows) => roundToBf16(rows) };

/** Weights in blocks of 32 inputs. As in GGUF, a matrix whose rows are not whole blocks stays as it is. */
const blocks = (quantize: (values: Float32Array) => void): Pick<Taps, 'weights'> => ({
  weights(_name, rows, inputs) {
    if (inputs % BLOCK === 0) quantize(rows);
  },
});

/**
 * Draws of the noise of each 16-bit format: a router's near ties go one way in some of them and the other
 * way in others. Measured against 50 imitations on `moe`: 6 draws give the noise of a row within 58 %
 * (f16) and 25 % (bf16), 3 draws within 70 % and 29 %.
 */
const DRAWS = 6;
/**
 * Draws for a model without a router: the noise of a row within 11 % on `dense` and 20 % on `outliers`,
 * where six give 8 % and 14 %.
 */
const DENSE_DRAWS = 3;

const rounded = (weights: Pick<Taps, 'weights'>, round: Round, attention: AttentionKind) => (): Taps => ({
  ...weights,
  ...activationTaps(round, attention),
});

/** @param weights rounded as the format does; only activations are dithered */
function draws(
  precision: PrecisionClass,
  weights: Pick<Taps, 'weights'>,
  dithered: (seed: number) => Round,
): ImitationSpec[] {
  return Array.from({ length: DRAWS }, (_, i) => ({
    precision,
    name: `${precision}, draw ${i + 1}`,
    isDraw: true,
    taps: () => ({ ...weights, ...activationTaps(dithered(i + 1), 'fused') }),
  }));
}

function quantized(precision: PrecisionClass, name: string, weights: Pick<Taps, 'weights'>): ImitationSpec[] {
  return [
    { precision, name: `${name}, f32`, taps: () => weights },
    {
      precision,
      name: `${name}, bf16`,
      taps: () => ({ ...weights, ...activationTaps(roundToBf16, 'fused') }),
    },
  ];
}

/** The honest engines that a subject is compared with. */
export const IMITATIONS: readonly ImitationSpec[] = Object.freeze([
  { precision: 'f32', name: 'f32, sums in another order', taps: reorderedSums },
  { precision: 'f16', name: 'f16, eager attention', taps: rounded(F16_WEIGHTS, roundToF16, 'eager') },
  { precision: 'f16', name: 'f16, fused attention', taps: rounded(F16_WEIGHTS, roundToF16, 'fused') },
  ...draws('f16', F16_WEIGHTS, ditheredF16),
  { precision: 'bf16', name: 'bf16, eager attention', taps: rounded(BF16_WEIGHTS, roundToBf16, 'eager') },
  { precision: 'bf16', name: 'bf16, fused attention', taps: rounded(BF16_WEIGHTS, roundToBf16, 'fused') },
  ...draws('bf16', BF16_WEIGHTS, ditheredBf16),
  ...quantized('8bit', 'q8_0', blocks(quantizeQ8)),
  ...quantized(
    '8bit',
    'symmetric 8 bit',
    blocks((values) => quantizeSymmetric(values, 127)),
  ),
  ...quantized('4bit', 'q4_0', blocks(quantizeQ4)),
  ...quantized(
    '4bit',
    'symmetric 4 bit',
    blocks((values) => quantizeSymmetric(values, 7)),
  ),
]);

/** {@link IMITATIONS} with as many draws as a model needs. */
export function imitationsOf({ moe }: Pick<ModelConfig, 'moe'>): ImitationSpec[] {
  const most = moe ? DRAWS : DENSE_DRAWS;
  return IMITATIONS.filter(
    ({ precision, isDraw }, i) =>
      !isDraw || i < IMITATIONS.findIndex((one) => one.isDraw && one.precision === precision) + most,
  );
}
