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

/** What every answer and every chunk says of the model. */
export interface AnswerHead {
  /** Unix seconds. */
  created: number;
  model: string;
  system_fingerprint: string;
}

export function answerHead({
  servedModelName,
  systemFingerprint,
}: Pick<ServerContext, 'servedModelName' | 'systemFingerprint'>): AnswerHead {
  return {
    created: Math.floor(Date.now() / 1000),
    model: servedModelName,
    system_fingerprint: systemFingerprint,
  };
}

type Named = Pick<ServerContext, 'servedModelName' | 'created' | 'engine'>;

/** The served model, as `GET /v1/models/NAME` answers. `max_model_len` is vLLM's. */
export function servedModel(context: Named) {
  return {
    id: context.servedModelName,
    object: 'model',
    created: context.created,
    owned_by: 'plumbline',
    root: context.servedModelName,
    parent: null,
    max_model_len: context.engine.limits.maxTokens,
  };
}

/** The answer to `GET /v1/models`. */
export function listModels(context: Named) {
  return { object: 'list', data: [servedModel(context)] };
}

/** @throws ApiError 404 if the model is another. */
export function findServedModel(name: string, context: Named) {
  checkServedModel(name, context);
  return servedModel(context);
}
