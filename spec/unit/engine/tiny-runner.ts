import type { ExecutionContext } from 'ava';
import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import { RankModel } from '../../../engine/distributed/rank-model.ts';
import { createScalarKernels } from '../../../engine/kernels/scalar.ts';
import { KvCache } from '../../../engine/model/kv-cache.ts';
import { Qwen3 } from '../../../engine/model/qwen3.ts';
import { completeEngineOptions, type EngineOptions, type Observer } from '../../../engine/options.ts';
import { Runner } from '../../../engine/runner.ts';
import { Generation, type GenerationContext } from '../../../engine/serving/generation.ts';
import type { GenerateRequest } from '../../../engine/serving/requests.ts';
import { closing } from '../../support/processes/cleanup.ts';
import { generationContext } from './serving/contexts.ts';
import { denseModel, modelDirectory } from './tiny-models.ts';

const MODEL = denseModel();
export const VOCAB = 19;
export const IDS = [3, 0, 18, 7, 7, 11];
export const noFork = () => [];

/** A runner of a tiny model, with a cache of 8 blocks of 4 positions. */
export function createRunner(t: ExecutionContext, options: EngineOptions = {}): Runner {
  const complete = completeEngineOptions({ cacheTokens: 32, blockSize: 4, ...options }, MODEL.config);
  const { cacheTokens, blockSize, maxBatchTokens } = complete;
  const kernels = createScalarKernels();
  const cache = new KvCache(kernels, MODEL.config, {
    blockSize,
    numBlocks: Math.ceil(cacheTokens / blockSize),
  });
  const checkpoint = closing(t, Checkpoint.open(modelDirectory(t, MODEL)));
  const directory = { config: MODEL.config, checkpoint };
  const model = Qwen3.load(directory, kernels, cache, { maxRows: maxBatchTokens });
  return new Runner(new RankModel(model, cache), complete);
}

/** Logits of some positions of a prompt. */
export function forward(
  runner: Runner,
  ids: readonly number[],
  positions: readonly number[],
  observe?: Observer,
) {
  return runner.forward(ids, { positions, hidden: false, observe });
}

/** Generations of a request, the first of which is added to the runner. */
export function begin(
  runner: Runner,
  options: Partial<GenerateRequest> = {},
  given: Partial<Pick<GenerationContext, 'tokenizer' | 'promptLookup'>> = {},
): Generation[] {
  const request = { ids: IDS, maxNewTokens: 5, returnLogits: true, ...options };
  const context = generationContext(request, MODEL.config, given);
  const generations = Array.from({ length: context.params.n }, (_, i) => new Generation(context, i, i));
  runner.add(generations[0]);
  return generations;
}
