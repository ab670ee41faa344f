import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { FIXTURES } from './fixtures/fixture-specs.ts';

/** The name of the folder of a model's goldens. @param model a fixture's name, a directory, or a hub id. */
export function goldenName(model: string): string {
  if (Object.hasOwn(FIXTURES, model)) return model;
  return existsSync(model) ? basename(resolve(model)) : model.replace('/', '--');
}
