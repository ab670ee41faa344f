import type { ModelConfig } from '../../engine/index.ts';
import { ATTENTION_BUGS } from './attention-bugs.ts';
import type { Bug } from './bug.ts';
import { HEAD_BUGS } from './head-bugs.ts';
import { LAYER_BUGS } from './layer-bugs.ts';
import { MIXTURE_BUGS } from './mixture-bugs.ts';
import { NORM_BUGS } from './norm-bugs.ts';
import { ROPE_BUGS } from './rope-bugs.ts';

/** Bugs that the judge knows: each a way in which our engine is varied, and a name in the verdict. */
export const BUGS: readonly Bug[] = Object.freeze([
  ...ROPE_BUGS,
  ...NORM_BUGS,
  ...ATTENTION_BUGS,
  ...LAYER_BUGS,
  ...MIXTURE_BUGS,
  ...HEAD_BUGS,
]);

const TITLES = new Map(BUGS.map(({ name, title }) => [name, title]));

/** What a bug is, in a sentence; undefined if the judge does not know it. */
export function bugTitle(name: string): string | undefined {
  return TITLES.get(name);
}

/** The bugs that a model of this configuration can have. */
export function bugsOf(config: ModelConfig): Bug[] {
  return BUGS.filter(({ applies }) => applies?.(config) ?? true);
}
