import seedrandom from 'seedrandom';
import type { TensorData } from '../engine/checkpoint/safetensors-writer.ts';
import { expectedWeights } from '../engine/checkpoint/weights.ts';
import type { ModelConfig, WeightDtype } from '../engine/config.ts';

/**
 * How the weights of a stand-in checkpoint are drawn. The figures make bugs visible: norm gains that differ from
 * one another show a norm that is swapped or skipped, and logits with a spread show a head that is off.
 */
export interface WeightRecipe {
  seed: string;
  dtype: WeightDtype;
  /** Mean of the final norm's gains; it sets the spread of the logits. */
  finalNormMean: number;
  /** Channels of the residual stream whose gains and weights are 100 times the others'. Default none. */
  outlierChannels?: readonly number[];
}

const EMBEDDING_STD = 0.05;
const OUTLIER = 100;

/** Seeded weights for every tensor that HuggingFace's model of this configuration has. */
export function seededWeights(config: ModelConfig, recipe: WeightRecipe): Map<string, TensorData> {
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of expectedWeights(config)) {
    // A stream of its own for each tensor: adding one leaves the others as they were.
    const values = drawWeight(name, shape, recipe, seedrandom.alea(`${recipe.seed}/${name}`));
    tensors.set(name, { dtype: recipe.dtype, shape, data: encode(values, recipe.dtype) });
  }
  return tensors;
}

function drawWeight(
  name: string,
  shape: readonly number[],
  recipe: WeightRecipe,
  random: () => number,
): Float32Array {
  const { mean, std } = distribution(name, shape, recipe);
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i++) values[i] = mean + std * approximatelyNormal(random);
  for (const channel of recipe.outlierChannels ?? []) amplify(name, shape, values, channel);
  return values;
}

/** How the values of a weight are spread, by its name in HuggingFace's checkpoints. */
export function distribution(
  name: string,
  shape: readonly number[],
  recipe: Pick<WeightRecipe, 'finalNormMean'>,
): { mean: number; std: number } {
  if (name === 'model.norm.weight') return { mean: recipe.finalNormMean, std: 0.2 * recipe.finalNormMean };
  if (/[qk]_norm/.test(name)) return { mean: 1.7, std: 0.35 };
  if (shape.length === 1) return { mean: 1, std: 0.3 };
  if (name === 'model.embed_tokens.weight') return { mean: 0, std: EMBEDDING_STD };
  // Wide enough that experts are chosen for a reason.
  if (name.endsWith('.mlp.gate.weight')) return { mean: 0, std: 2 / Math.sqrt(shape[1]) };
  return { mean: 0, std: 1 / Math.sqrt(shape[1]) };
}

/** What writes a channel of the residual stream, and the gains that read it. */
function amplify(name: string, shape: readonly number[], values: Float32Array, channel: number): void {
  if (/(o_proj|down_proj)/.test(name)) {
    for (let i = 0; i < shape[1]; i++) values[channel * shape[1] + i] *= OUTLIER;
  } else if (name.endsWith('input_layernorm.weight')) {
    values[channel] *= OUTLIER;
  } else if (name === 'model.norm.weight') {
    // Trained models keep their outliers out of the logits, or every token would be the same.
    values[channel] /= OUTLIER;
  }
}

/** Variance 1 and mean 0 from four uniform draws: only exact operations, so that every machine draws the same bits. */
export function approximatelyNormal(random: () => number): number {
  return (random() + random() + random() + random() - 2) * Math.sqrt(3);
}

function encode(values: Float32Array, dtype: WeightDtype): ArrayBufferView {
  if (dtype === 'F32') return values;
  const toBits = dtype === 'BF16' ? bfloat16Bits : float16Bits;
  return Uint16Array.from(values, toBits);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Rounds a finite number to bfloat16, ties to even. @returns its 16 bits. */
export function bfloat16Bits(value: number): number {
  float[0] = value;
  return (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
}

/** Rounds a finite number below 65,520 to IEEE 754 half precision, ties to even. @returns its 16 bits. */
export function float16Bits(value: number): number {
  float[0] = Math.abs(value);
  // Halves have the same spacing from 2^e on; below 2^-14 they are subnormal.
  const exponent = Math.max((bits[0] >>> 23) - 127, -14);
  const units = roundTiesToEven(float[0] * 2 ** (10 - exponent));
  const sign = value < 0 ? 0x8000 : 0;
  // A mantissa that rounds up to the next power of two carries into the exponent, as it should.
  return sign | (((exponent + 14) << 10) + units);
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
