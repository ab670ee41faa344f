import { isDeepStrictEqual } from 'node:util';
import type { CaseTensors, GoldenCase, Manifest, RecordedCase } from '../../golden/schema.ts';
import type { RecordedGolden } from '../recording/record.ts';
import { compareNumbers, type NumberChanges } from './number-changes.ts';

/** What became of one case. */
export interface CaseChange extends NumberChanges {
  id: string;
  kind: 'unchanged' | 'new' | 'gone' | 'changed';
}

/** A golden as it is in the folder: the case, its numbers and the manifest beside them; or why it cannot be read. */
export type ExistingGolden =
  | { golden: GoldenCase; tensors?: CaseTensors; manifest: Manifest }
  | { unreadable: string };

/** What a manifest says of which numbers are stored. */
const SELECTION = ['vocabularySample', 'projections'] as const;

/**
 * Compares a recording with the golden there is. Differences within the reference's noise, as another CPU makes
 * them, are none.
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
    // Both were refused, in the same words.
    return withoutNumbers(id, 'unchanged');
  }
  const numbers = compareNumbers(
    { golden: old.golden, tensors: old.tensors },
    { golden: now.golden, tensors: now.tensors },
    manifest.vocabularySample,
  );
  return { id, kind: numbers.reasons.length > 0 ? 'changed' : 'unchanged', ...numbers };
}

/** A change of which there is no more to say than the reasons. */
export function withoutNumbers(id: string, kind: CaseChange['kind'], ...reasons: string[]): CaseChange {
  return { id, kind, reasons, flipped: [], largest: 0, rms: 0 };
}

/** What of a manifest has changed that a reviewer must know: everything but the machine it was recorded on. */
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
