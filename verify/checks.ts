import { UsageError } from '../engine/errors.ts';

/** The questions that can be asked, in this order. */
export const CHECKS = ['prompt', 'precision', 'bugs', 'greedy', 'consistency'] as const;
export type Check = (typeof CHECKS)[number];

/** @throws UsageError if a name is of no check. */
export function parseChecks(names: readonly string[]): Check[] {
  return names.map((name) => {
    const check = CHECKS.find((known) => known === name);
    if (check) return check;
    throw new UsageError(`choose among the checks ${CHECKS.join(', ')}; there is no "${name}"`);
  });
}
