import type { ExecutionContext } from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import type { Kernels } from '../../../../engine/kernels/kernels.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KvCache } from '../../../../engine/model/kv-cache.ts';
import { WeightLoader } from '../../../../engine/model/loader.ts';
import { Step } from '../../../../engine/model/step.ts';
import { closing } from '../../../support/processes/cleanup.ts';
import type { TinyModel } from '../../../support/properties/arbitraries.ts';
import { modelDirectory } from '../tiny-models.ts';

/** The most rows of a step of {@link openParts}. */
export const MAX_ROWS = 8;

/** What a layer is made from and works with. */
export interface Parts {
  kernels: Kernels;
  weights: WeightLoader;
  step: Step;
}

/**
 * The parts of a model in a directory of its own, on the scalar kernels, with a cache of 8 blocks of 4
 * positions.
 */
export function openParts(t: Pick<ExecutionContext, 'teardown'>, model: TinyModel): Parts {
  const kernels = createScalarKernels();
  const checkpoint = closing(t, Checkpoint.open(modelDirectory(t, model)));
  const cache = new KvCache(kernels, model.config, { blockSize: 4, numBlocks: 8 });
  const step = new Step({ kernels, config: model.config, cache, maxRows: MAX_ROWS });
  const weights = new WeightLoader({ checkpoint, kernels, names: model.weights.keys() });
  return { kernels, weights, step };
}

/** The largest difference, as a fraction of the largest expected magnitude. */
export function relativeDifference(actual: ArrayLike<number>, expected: Float64Array): number {
  if (actual.length !== expected.length)
    throw new RangeError(`${actual.length} values, not ${expected.length}`);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(actual[i])) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}
