import type { ReferenceCase, Signature } from '../judge/judgement.ts';
import { center } from '../judge/statistics.ts';
import { type RowsCase, wantScores } from '../reference/rows.ts';
import { TappedModel } from '../reference/tapped-model.ts';
import type { Bug } from './bug.ts';
import { bugsOf } from './bugs.ts';
import { faultyScores } from './faulty-scores.ts';

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
  const covered = new Map(truth.map(({ id, rows }) => [id, rows.map(({ ids }) => ids.subarray(0, COVERED))]));
  const right = new Map(truth.map(({ id, rows }) => [id, rows]));
  const wanted = wantScores(cases, covered);
  const model = await TappedModel.load(modelDir, cases);
  try {
    const signatures: Signature[] = [];
    const looked = bugs ?? bugsOf(model.config);
    for (const [i, bug] of looked.entries()) {
      onProgress(`${bug.name} (${i + 1} of ${looked.length} bugs)`);
      const faulty = await faultyScores({ modelDir, model }, bug, { wanted, signal });
      const change = (scores: Float32Array, id: string, index: number) => {
        const { truth: values } = right.get(id)![index];
        return new Float32Array(center(new Float64Array(scores).map((score, i) => score - values[i])));
      };
      const changes = [...faulty].map(
        ([id, rows]) => [id, rows.map((scores, i) => change(scores, id, i))] as const,
      );
      signatures.push({ name: bug.name, cases: new Map(changes) });
    }
    return signatures;
  } finally {
    await model.close();
  }
}
