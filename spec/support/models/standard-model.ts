import { HubError } from '../../../engine/errors.ts';
import { resolveModel } from '../../../engine/hub/resolve-model.ts';
import type { Environment } from '../../../engine/hub/settings.ts';
import { goldenName } from '../../../generator/golden-name.ts';
import { GOLDEN_FOLDER, realGoldens } from '../../../golden/goldens.ts';

/** The standard test model, and the fixture of its exact shape that stands in for it. */
const STANDARD = 'Qwen/Qwen3-0.6B';
const STAND_IN = 'qwen3-0.6b-shape';

/** What a full-size test runs. */
export interface StandardModel {
  /** The name of its goldens' folder. */
  golden: string;
  /** Of the real model; undefined for the fixture, which is made when it is first needed. */
  modelDir: string | undefined;
  /** A sentence for the log: which of the two is tested. */
  description: string;
}

/**
 * Chooses the real model where the HuggingFace cache has it and its goldens were recorded, and else its stand-in.
 * Nothing is fetched.
 */
export async function standardModel(
  env: Environment = process.env,
  goldenFolder: string = GOLDEN_FOLDER,
): Promise<StandardModel> {
  const modelDir = await cached(env);
  const golden = goldenName(STANDARD);
  if (modelDir === undefined) return standIn('is not in the HuggingFace cache');
  if (!realGoldens(goldenFolder).includes(golden)) {
    return standIn(`has no goldens (npm run goldens:regen -- --model ${STANDARD} records them)`);
  }
  return { golden, modelDir, description: `${STANDARD} itself, from ${modelDir}` };
}

function standIn(reason: string): StandardModel {
  const description = `${STAND_IN}, the fixture of its exact shape with seeded weights: ${STANDARD} ${reason}`;
  return { golden: STAND_IN, modelDir: undefined, description };
}

async function cached(env: Environment): Promise<string | undefined> {
  const files = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
  try {
    return await resolveModel(STANDARD, { files, weights: true, env: { ...env, HF_HUB_OFFLINE: '1' } });
  } catch (error) {
    if (error instanceof HubError) return undefined;
    throw error;
  }
}
