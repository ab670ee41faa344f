import { checkRequest, type RequestLimits } from '../../../../engine/serving/check-request.ts';
import type { GenerationContext } from '../../../../engine/serving/generation.ts';
import type { GenerateRequest } from '../../../../engine/serving/requests.ts';
import { createSamplingScratch } from '../../../../engine/serving/sampler.ts';

/** What the samples of a request share, as the engine makes it of the request. */
export function generationContext(
  request: GenerateRequest,
  config: RequestLimits['config'],
  {
    index = 0,
    tokenizer,
    promptLookup = 0,
  }: Partial<Pick<GenerationContext, 'index' | 'tokenizer' | 'promptLookup'>> = {},
): GenerationContext {
  const hasTokenizer = tokenizer !== undefined;
  const checked = checkRequest(request, { config, cacheTokens: config.maxPositionEmbeddings, hasTokenizer });
  return {
    ...{ index, ...checked, tokenizer, scratch: createSamplingScratch(config.vocabSize) },
    ...{ begun: performance.now(), promptLogprobs: [], promptLookup },
  };
}
