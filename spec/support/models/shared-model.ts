import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { loadSubject } from '../../../verify/adapters/module.ts';
import type { SubjectModel } from '../../../verify/subject.ts';

/** A model that test files share. */
export type SharedModel = Pick<SubjectModel, 'forward' | 'generate' | 'close'> & { modelDir: string };

const models = new Map<string, Promise<SharedModel>>();

/** A fixture's model, loaded once in a process however many of its test files ask for it. */
export async function sharedModel(fixture: string): Promise<SharedModel> {
  return sharedModelIn(await ensureFixture(fixture));
}

/** The same of any model directory. */
export function sharedModelIn(modelDir: string): Promise<SharedModel> {
  const model = models.get(modelDir) ?? load(modelDir);
  models.set(modelDir, model);
  return model;
}

/** Closes all that were loaded. Called after the last test. */
export async function closeSharedModels(): Promise<void> {
  const loaded = [...models.values()];
  models.clear();
  for (const model of await Promise.allSettled(loaded)) {
    if (model.status === 'fulfilled') await model.value.close();
  }
}

async function load(modelDir: string): Promise<SharedModel> {
  const model = await (await loadSubject()).load(modelDir);
  return {
    modelDir,
    forward: (request) => model.forward(request),
    generate: (request) => model.generate(request),
    close: () => model.close(),
  };
}
