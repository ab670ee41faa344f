import { isDeepStrictEqual } from 'node:util';
import type { Manifest, RecordedCase, RecordedGolden } from '../../golden/schema.ts';
import { compareNumbers, type NumberChanges } from './number-changes.ts';

/** How a case differs from its golden. */
export interface CaseChange extends NumberChanges {
  id: string;
  /** `removed`: the prompt was removed. */
  kind: 'unchanged' | 'new' | 'removed' | 'changed';
}

/** A golden of the folder with the manifest beside it, or the reason why it cannot be read. */
export type ExistingGolden = (RecordedGolden & { manifest: Manifest }) | { unreadable: string };

/** Keys of a manifest that decide which numbers are stored. */
const SELECTION = ['vocabularySample', 'projections'] as const;

/**
 * Compares a recording with the existing golden. Differences within the reference's noise, such as those of
 * another CPU, are no change.
 *
 * @param manifest of the recording.
 */
export function compareCase(
  old: ExistingGolden | undefined,
  now: RecordedGolden,
  manifest: Manifest,
): CaseChange {
  const { id } = now.golden;
  if (!old) return withoutNumbers(id, 'new', 'there is no golden of this case yet');
  if ('unreadable' in old) return withoutNumbers(id, 'changed', old.unreadable);
  const reasons: string[] = [];
  const [was, is]: Partial<RecordedCase & { refusal: string }>[] = [old.golden, now.golden];
  for (const key of ['category', 'text', 'ids', 'refusal', 'positions'] as const) {
    if (!isDeepStrictEqual(was[key], is[key])) reasons.push(`${key} differ`);
  }
  for (const key of SELECTION) {
    if (!isDeepStrictEqual(old.manifest[key], manifest[key])) reasons.push(`the manifest's ${key} differ`);
  }
  if (reasons.length > 0) return withoutNumbers(id, 'changed', ...reasons);
  if (!('greedy' in old.golden && 'greedy' in now.golden && old.tensors && now.tensors)) {
    // Both were refused with the same message.
    return withoutNumbers(id, 'unchanged');
  }
  const numbers = compareNumbers(
    { golden: old.golden, tensors: old.tensors },
    { golden: now.golden, tensors: now.tensors },
    manifest.vocabularySample,
  );
  return { id, kind: numbers.reasons.length > 0 ? 'changed' : 'unchanged', ...numbers };
}

/** A change without figures. */
export function withoutNumbers(id: string, kind: CaseChange['kind'], ...reasons: string[]): CaseChange {
  return { id, kind, reasons, flipped: [], largest: 0, rms: 0 };
}

/** Differences between manifests for a reviewer: of everything but the machine that recorded them. */
export function compareManifests(was: Manifest, is: Manifest): string[] {
  const reasons: string[] = [];
  for (const group of ['sha256', 'versions'] as const) {
    const [old, now]: Record<string, string>[] = [was[group], is[group]];
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (old[key] !== now[key])
        reasons.push(`${group} ${key}: ${old[key] ?? 'none'} → ${now[key] ?? 'none'}`);
    }
  }
  for (const key of ['model', 'source', 'graph', 'seed', 'maxNewTokens', ...SELECTION] as const) {
    if (!isDeepStrictEqual(was[key], is[key])) reasons.push(`${key} differs`);
  }
  return reasons;
}
