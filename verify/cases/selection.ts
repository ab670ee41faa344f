import { matchesGlob } from 'node:path';
import { UsageError } from '../../engine/errors.ts';

/** Which cases are asked. */
export interface CaseSelection {
  /** Patterns (`chat-*`) of the case ids that are asked. Default: all. */
  readonly run?: readonly string[];
  /** Patterns of those that are not. Default: none. */
  readonly skip?: readonly string[];
}

/** @throws UsageError if a pattern fits no case, or nothing is left. */
export function selectCases<T extends { readonly id: string }>(
  cases: readonly T[],
  { run = ['*'], skip = [] }: CaseSelection,
): T[] {
  for (const pattern of [...run, ...skip]) {
    if (cases.some(({ id }) => matchesGlob(id, pattern))) continue;
    const ids = cases.map(({ id }) => id).join(', ');
    throw new UsageError(`choose among the cases ${ids || '(none)'}; "${pattern}" fits none`);
  }
  const fits = (id: string, patterns: readonly string[]) =>
    patterns.some((pattern) => matchesGlob(id, pattern));
  const selected = cases.filter(({ id }) => fits(id, run) && !fits(id, skip));
  if (selected.length === 0)
    throw new UsageError('leave a case to ask; --skip takes out all that --run selects');
  return selected;
}
