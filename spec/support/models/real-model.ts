import { checkIdentity } from '../../../engine/checkpoint/identity.ts';
import { HubOfflineError } from '../../../engine/errors.ts';
import { resolveModel } from '../../../engine/hub/resolve-model.ts';
import type { Environment } from '../../../engine/hub/settings.ts';
import { readRealModel } from '../../../golden/goldens.ts';

/** Set to anything, it lets tests fetch the models that they would else do without. */
export const NETWORK_VARIABLE = 'PLUMBLINE_NETWORK';

/**
 * A model of the hub that `golden/models.json` lists: from HuggingFace's cache, or fetched into it if
 * {@link NETWORK_VARIABLE} is set.
 *
 * @param env default `process.env`.
 * @returns its directory; undefined if it is not cached and the network is not allowed.
 * @throws ModelIdentityError if it is another model; RangeError if it is not listed; HubError if it cannot be
 * fetched.
 */
export async function findRealModel(
  model: string,
  env: Environment = process.env,
): Promise<string | undefined> {
  const real = readRealModel(model);
  if (!real) throw new RangeError(`${model} is not listed in golden/models.json`);
  const offline = env[NETWORK_VARIABLE] ? '' : '1';
  const modelDir = await resolveModel(model, {
    files: ['config.json', 'tokenizer.json', 'tokenizer_config.json'],
    optional: ['generation_config.json'],
    weights: true,
    env: { ...env, HF_HUB_OFFLINE: offline, TRANSFORMERS_OFFLINE: offline },
  }).catch((error) => {
    if (error instanceof HubOfflineError) return undefined;
    throw error;
  });
  if (modelDir !== undefined) await checkIdentity(modelDir, model, real.identity);
  return modelDir;
}
