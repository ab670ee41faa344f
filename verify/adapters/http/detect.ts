import { SubjectError } from '../../errors.ts';
import type { ApiName, Ask, Dialect, Identity } from './dialect.ts';
import { DIALECTS } from './dialects.ts';
import { isLocked } from './nonsense.ts';

/** What a server was found to be. */
export interface Detected {
  readonly dialect: Dialect;
  readonly identity: Identity;
}

/**
 * Finds out which dialect a server speaks, by requests that change nothing.
 *
 * @param api a name to take it for; it is not asked whether it is that.
 * @throws HttpStatusError if it speaks none, and wants a key; SubjectError if it speaks none;
 * NoAnswerError if it cannot be reached.
 */
export async function detectDialect(ask: Ask, api: ApiName | 'auto'): Promise<Detected> {
  if (api !== 'auto') {
    const dialect = DIALECTS[api];
    return { dialect, identity: (await dialect.identify(ask)) ?? {} };
  }
  let locked: unknown;
  const listening: Ask = (request) =>
    ask(request).catch((error: unknown) => {
      if (isLocked(error)) locked ??= error;
      throw error;
    });
  for (const dialect of Object.values(DIALECTS)) {
    const identity = await dialect.identify(listening);
    if (identity) return { dialect, identity };
  }
  // What it speaks is unknown only for want of a key.
  if (locked) throw locked;
  const known = Object.values(DIALECTS).map(({ title }) => title);
  throw new SubjectError(
    `the server answers none of /props, /get_model_info, /info, /api/version and /v1/models as expected of ${known.join(', ')}; ` +
      'check the URL, or name the API: --api',
  );
}

/**
 * The name of the model in requests.
 *
 * @throws SubjectError if the server serves several and none is chosen.
 */
export function chooseModel({ models = [] }: Identity, chosen: string | undefined): string | undefined {
  if (chosen !== undefined || models.length <= 1) return chosen ?? models[0];
  throw new SubjectError(
    `the server serves ${models.length} models: ${models.join(', ')}; choose one: --served-model`,
  );
}
