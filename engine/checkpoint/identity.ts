import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type ModelConfig, readModelConfig } from '../config.ts';
import { ModelIdentityError } from '../errors.ts';
import { Checkpoint } from './checkpoint.ts';
import { expectedWeights } from './weights.ts';

/** Which of a configuration's values tell one model of the family from another. */
const CONFIG_KEYS = [
  'hiddenSize',
  'numHiddenLayers',
  'numAttentionHeads',
  'numKeyValueHeads',
  'headDim',
  'intermediateSize',
  'vocabSize',
  'tieWordEmbeddings',
  'ropeTheta',
  'rmsNormEps',
] as const satisfies readonly (keyof ModelConfig)[];

/** What a model is known by, as far as configuration and headers tell: not its values, but everything about them. */
export interface ModelIdentity extends Readonly<Pick<ModelConfig, (typeof CONFIG_KEYS)[number]>> {
  /** The one entry of `architectures` in config.json. */
  readonly architecture: string;
  /** Numbers in all weights; a tied head counts once. */
  readonly parameters: number;
  /** What every weight is stored in. */
  readonly dtype: string;
}

const withArchitectures = z.object({ architectures: z.array(z.string()).default([]) });

/** A head of its own beside tied embeddings repeats them; HuggingFace ignores it, and so does the engine. */
const HEAD = 'lm_head.weight';

/**
 * Holds a model directory to what the model is known by. Only config.json and the headers of the weights are read.
 *
 * @param name what the model is said to be, for the message.
 * @throws ModelIdentityError listing every difference; ConfigError and CheckpointError as the readers of both do.
 */
export async function checkIdentity(modelDir: string, name: string, expected: ModelIdentity): Promise<void> {
  const config = await readModelConfig(modelDir);
  const { architectures } = withArchitectures.parse(
    JSON.parse(readFileSync(join(modelDir, 'config.json'), 'utf8')),
  );
  const checkpoint = Checkpoint.open(modelDir);
  try {
    const differences = [
      ...unlike('architectures', architectures.join(', '), expected.architecture),
      ...CONFIG_KEYS.flatMap((key) => unlike(key, config[key], expected[key])),
      ...wrongWeights(checkpoint, config, expected),
    ];
    if (differences.length === 0) return;
    throw new ModelIdentityError(
      `${modelDir}: is not ${name}: ${differences.join('; ')}; use the model itself, or another name for this one`,
    );
  } finally {
    checkpoint.close();
  }
}

function unlike<T>(what: string, found: T, expected: T): string[] {
  return found === expected ? [] : [`${what} is ${found === '' ? 'none' : found}, expected ${expected}`];
}

function wrongWeights({ tensors }: Checkpoint, config: ModelConfig, expected: ModelIdentity): string[] {
  const shapes = expectedWeights(config);
  const counted = [...tensors].filter(([name]) => !(config.tieWordEmbeddings && name === HEAD));
  const parameters = counted.reduce((sum, [, { info }]) => sum + product(info.shape), 0);
  const missing = [...shapes.keys()].filter((name) => !tensors.has(name));
  const otherDtypes = counted.filter(([, { info }]) => info.dtype !== expected.dtype);
  return [
    ...unlike('the number of parameters', parameters, expected.parameters),
    ...missing.map((name) => `${name} is missing`),
    ...counted.flatMap(([name, { info }]) => {
      const shape = shapes.get(name);
      return shape ? unlike(`the shape of ${name}`, `${info.shape}`, `${shape}`) : [`${name} is unknown`];
    }),
    ...otherDtypes.map(
      ([name, { info }]) => `${name} is stored in ${info.dtype}, expected ${expected.dtype}`,
    ),
  ];
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1);
}
