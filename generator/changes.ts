import { isDeepStrictEqual } from 'node:util';
import {
  type CaseTensors,
  type GoldenCase,
  type Manifest,
  type RecordedCase,
  storedIds,
  TOP,
} from '../golden/schema.ts';
import { isTie, maxAbs, tolerance } from '../golden/tolerance.ts';
import type { RecordedGolden } from './record.ts';

/** A greedy token that is another one now. */
export interface FlippedToken {
  step: number;
  was: number;
  now: number;
  /** The margin the old token was recorded with, in logits. */
  margin: number;
}

/** What became of one case. */
export interface CaseChange {
  id: string;
  kind: 'unchanged' | 'new' | 'gone' | 'changed';
  /** For a reviewer, one line each; empty if unchanged. */
  reasons: string[];
  flipped: FlippedToken[];
  /** Largest and root-mean-square difference of the stored logits; 0 where they cannot be compared. */
  largest: number;
  rms: number;
}

/** A golden as it is in the folder: the case and its numbers. */
export interface ExistingGolden {
  golden: GoldenCase;
  tensors?: CaseTensors;
}

/**
 * Compares a recording with the golden there is. Differences within the reference's noise, as another CPU makes
 * them, are none.
 */
export function compareCase(
  old: ExistingGolden | undefined,
  now: RecordedGolden,
  manifest: Manifest,
): CaseChange {
  const change: CaseChange = {
    id: now.golden.id,
    kind: 'unchanged',
    reasons: [],
    flipped: [],
    largest: 0,
    rms: 0,
  };
  if (!old) return { ...change, kind: 'new', reasons: ['there is no golden of this case yet'] };
  const { golden: was } = old;
  const { golden: is } = now;
  for (const key of ['category', 'text', 'ids', 'refusal', 'positions'] as const) {
    if (
      !isDeepStrictEqual(
        (was as Partial<RecordedCase>)[key as 'ids'],
        (is as Partial<RecordedCase>)[key as 'ids'],
      )
    ) {
      change.reasons.push(`${key} differ`);
    }
  }
  if (change.reasons.length === 0 && 'greedy' in was && 'greedy' in is && old.tensors && now.tensors) {
    compareNumbers(
      change,
      { golden: was, tensors: old.tensors },
      { golden: is, tensors: now.tensors },
      manifest,
    );
  }
  return { ...change, kind: change.reasons.length ? 'changed' : 'unchanged' };
}

interface Recording {
  golden: RecordedCase;
  tensors: CaseTensors;
}

function compareNumbers(change: CaseChange, was: Recording, is: Recording, manifest: Manifest): void {
  const rows = was.golden.positions.length + was.golden.greedy.tokens.length;
  const columns = was.tensors.logits.length / rows;
  if (was.tensors.logits.length !== is.tensors.logits.length) {
    change.reasons.push(`${is.tensors.logits.length} logits are stored, ${was.tensors.logits.length} were`);
    return;
  }
  const row = (logits: Float32Array, i: number) => logits.subarray(i * columns, (i + 1) * columns);
  // After a token that flipped, the two continue different texts.
  const flippedAt = is.golden.greedy.tokens.findIndex(
    (token, step) => token !== was.golden.greedy.tokens[step],
  );
  const comparable = flippedAt < 0 ? rows : was.golden.positions.length + flippedAt + 1;
  let squares = 0;
  let beyond = 0;
  let count = 0;
  for (let i = 0; i < comparable; i++) {
    const rowMax = was.tensors.sampled?.rowMax[i] ?? maxAbs(row(was.tensors.logits, i));
    const bound = tolerance(rowMax, was.golden.noise.logits);
    const now = byId(is.tensors, i, row(is.tensors.logits, i), manifest);
    for (const [id, logit] of byId(was.tensors, i, row(was.tensors.logits, i), manifest)) {
      // An id that left the row's largest ones is compared where it is among the sampled.
      const difference = Math.abs((now.get(id) ?? logit) - logit);
      change.largest = Math.max(change.largest, difference);
      squares += difference ** 2;
      count++;
      if (!(difference <= bound)) beyond++;
    }
  }
  change.rms = Math.sqrt(squares / count);
  if (beyond > 0) change.reasons.push(`${beyond} of ${count} logits differ beyond the noise`);
  if (flippedAt >= 0) noteFlip(change, was, is, flippedAt, columns);
}

function noteFlip(change: CaseChange, was: Recording, is: Recording, step: number, columns: number): void {
  const margin = was.golden.greedy.margins[step];
  change.flipped.push({
    step,
    was: was.golden.greedy.tokens[step],
    now: is.golden.greedy.tokens[step],
    margin,
  });
  const i = was.golden.positions.length + step;
  const rowMax =
    was.tensors.sampled?.rowMax[i] ?? maxAbs(was.tensors.logits.subarray(i * columns, (i + 1) * columns));
  if (!isTie(margin, rowMax, was.golden.noise.logits)) {
    change.reasons.push(`greedy token ${step} is another, though its margin was ${margin}`);
  }
}

/** A stored row's logits by their vocabulary ids. */
function byId(
  { sampled }: CaseTensors,
  i: number,
  row: Float32Array,
  manifest: Manifest,
): Map<number, number> {
  const topIds = sampled?.topIds.subarray(i * TOP, (i + 1) * TOP);
  const ids = storedIds(row.length, manifest.vocabularySample, topIds);
  return new Map(ids.map((id, column) => [id, row[column]]));
}

/** What of a manifest has changed that a reviewer must know: everything but the machine it was recorded on. */
export function compareManifests(was: Manifest | undefined, is: Manifest): string[] {
  if (!was) return [];
  const reasons: string[] = [];
  for (const group of ['sha256', 'versions'] as const) {
    const [old, now]: Record<string, string>[] = [was[group], is[group]];
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (old[key] !== now[key])
        reasons.push(`${group} ${key}: ${old[key] ?? 'none'} → ${now[key] ?? 'none'}`);
    }
  }
  for (const key of [
    'schemaVersion',
    'source',
    'seed',
    'maxNewTokens',
    'vocabularySample',
    'projections',
  ] as const) {
    if (!isDeepStrictEqual(was[key], is[key])) reasons.push(`${key} differs`);
  }
  return reasons;
}
