import { logSumExp } from '../../golden/tolerance.ts';
import type { Imitation, Reference, ReferenceCase, ReferenceRow, Signature } from '../judge/judgement.ts';
import { IMITATIONS, type ImitationSpec } from './imitations.ts';
import { computeRows, type RowsCase } from './rows.ts';

/** Ids of a row that are kept: the small fixtures' whole vocabulary, or the likeliest. */
export const KEPT = 512;

export interface ReferenceOptions {
  /** Default: all of {@link IMITATIONS}. */
  readonly imitations?: readonly ImitationSpec[];
  /** Default: none. */
  readonly signatures?: readonly Signature[];
  /** Ends the computation between two cases. */
  readonly signal?: AbortSignal;
  /** Called with what is computed next. */
  readonly onProgress?: (what: string) => void;
}

/**
 * Computes by our engine what is right, and how far honest engines of each class are from it.
 *
 * @param cases the prompts, each with greedy tokens after it, and the positions whose rows are judged.
 * @throws what `Engine.load` and `Engine.forward` throw; the reason of `signal` if it is aborted.
 */
export async function computeReference(
  modelDir: string,
  cases: readonly RowsCase[],
  { imitations = IMITATIONS, signatures = [], signal, onProgress = () => {} }: ReferenceOptions = {},
): Promise<Reference> {
  onProgress('truth');
  const truth = await computeTruth(modelDir, cases, signal);
  const imitated: Imitation[] = [];
  for (const { precision, name, isDraw = false, taps } of imitations) {
    onProgress(name);
    const rowIds = idsOf(truth);
    const take = (logits: Float32Array, { id }: RowsCase, i: number) => pick(logits, rowIds.get(id)![i]);
    const rows = await computeRows(modelDir, cases, take, { taps: taps(), signal });
    imitated.push({ precision, name, isDraw, cases: rows });
  }
  return { cases: truth, imitations: imitated, signatures };
}

/** The rows of our engine at f32. @throws as {@link computeReference} */
export async function computeTruth(
  modelDir: string,
  cases: readonly RowsCase[],
  signal?: AbortSignal,
): Promise<ReferenceCase[]> {
  const take = (logits: Float32Array, { positions }: RowsCase, i: number): ReferenceRow => {
    const ids = likeliest(logits, KEPT);
    const normalizer = logSumExp(logits);
    return { position: positions[i], ids, truth: pick(logits, ids).map((z) => z - normalizer) };
  };
  const rows = await computeRows(modelDir, cases, take, { signal });
  return cases.map(({ id, ids, promptLength }) => ({ id, ids, promptLength, rows: rows.get(id)! }));
}

/** The ids of each row, by case. */
export function idsOf(cases: readonly ReferenceCase[]): ReadonlyMap<string, readonly Int32Array[]> {
  return new Map(cases.map(({ id, rows }) => [id, rows.map(({ ids }) => ids)]));
}

/** The values of some ids. */
export function pick(values: Float32Array, ids: Int32Array): Float32Array {
  return Float32Array.from(ids, (id) => values[id]);
}

/** The ids of the largest values, descending; of equal ones the lowest first. */
export function likeliest(values: Float32Array, count: number): Int32Array {
  const descending = (a: number, b: number) => values[b] - values[a] || a - b;
  let ids: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < values.length; id++) {
    if (values[id] > least) ids.push(id);
    // Cutting the list now and then raises the bar, so that a large vocabulary is never sorted whole.
    if (ids.length >= 4 * count) {
      ids = ids.sort(descending).slice(0, count);
      least = values[ids[count - 1]];
    }
  }
  return Int32Array.from(ids.sort(descending).slice(0, count));
}
