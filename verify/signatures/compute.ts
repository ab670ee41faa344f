import { readModelConfig } from '../../engine/index.ts';
import type { ReferenceCase, Signature } from '../judge/judgement.ts';
import { center } from '../judge/statistics.ts';
import { pick } from '../reference/reference.ts';
import type { RowsCase } from '../reference/rows.ts';
import type { Bug } from './bug.ts';
import { bugsOf } from './bugs.ts';
import { faultyRows } from './faulty-rows.ts';

/** Ids of each row that a signature covers. */
export const COVERED = 20;

export interface ComputeSignaturesOptions {
  /** Default: all that the model can have. */
  readonly bugs?: readonly Bug[];
  /** Ends the computation between two cases. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (bug: string) => void;
}

/**
 * What each bug does to the log-probabilities of each row's {@link COVERED} likeliest ids.
 *
 * @param truth what `computeTruth` gave for the model.
 * @throws what `Engine.load` and `Engine.forward` throw; the reason of `signal` if it is aborted.
 */
export async function computeSignatures(
  modelDir: string,
  truth: readonly ReferenceCase[],
  { bugs, signal, onProgress = () => {} }: ComputeSignaturesOptions = {},
): Promise<Signature[]> {
  const cases = truth.map(({ id, ids, promptLength, rows }): RowsCase => {
    return { id, ids, promptLength, positions: rows.map(({ position }) => position) };
  });
  const rowsOf = new Map(truth.map(({ id, rows }) => [id, rows]));
  const change = (logits: Float32Array, { id }: RowsCase, index: number) => {
    const right = rowsOf.get(id)![index];
    const faulty = pick(logits, right.ids.subarray(0, COVERED));
    return Float32Array.from(center(Float64Array.from(faulty, (value, i) => value - right.truth[i])));
  };
  const signatures: Signature[] = [];
  for (const bug of bugs ?? bugsOf(await readModelConfig(modelDir))) {
    onProgress(bug.name);
    const rows = await faultyRows(modelDir, bug, { cases, take: change, signal });
    signatures.push({ name: bug.name, cases: rows });
  }
  return signatures;
}
