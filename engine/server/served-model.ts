import { ApiError } from './api-error.ts';
import type { ServerContext } from './context.ts';

/**
 * @param model the model that a request names; it may name none, as in vLLM.
 * @throws ApiError 404 if it is not the one that is served.
 */
export function checkServedModel(
  model: string | null | undefined,
  { servedModelName }: Pick<ServerContext, 'servedModelName'>,
): void {
  if (model == null || model === servedModelName) return;
  throw new ApiError(
    404,
    `cannot find the model ${JSON.stringify(model.slice(0, 100))}; served is ${JSON.stringify(servedModelName)}`,
    {
      param: 'model',
    },
  );
}
