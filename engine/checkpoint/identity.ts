import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ModelConfig } from '../config.ts';
import { ModelIdentityError } from '../errors.ts';
import { Checkpoint } from './checkpoint.ts';
import { readModelConfig } from './read-config.ts';
import { expectedWeights } from './weights.ts';

/** The values of a configuration that differ between models of the family. */
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

/** What identifies a model in its configuration and headers. The values of the weights are not compared. */
export interface ModelIdentity extends Readonly<Pick<ModelConfig, (typeof CONFIG_KEYS)[number]>> {
  /** The one entry of `architectures` in config.json. */
  readonly architecture: string;
  /** Number of parameters; a tied head counts once. */
  readonly parameters: number;
  /** The dtype of every weight. */
  readonly dtype: string;
}

const withArchitectures = z.object({ architectures: z.array(z.string()).default([]) });

/** Beside tied embeddings, a stored head repeats them; HuggingFace and the engine ignore it. */
const HEAD = 'lm_head.weight';

/**
 * Checks that a model directory holds a given model. Only config.json and the headers of the weights are
 * read.
 *
 * @param name of the expected model, for the message.
 * @throws ModelIdentityError listing every difference; ConfigError and CheckpointError as the readers of
 * both do.
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
