import { readModelConfig } from '../../engine/index.ts';
import { logSumExp } from '../../golden/tolerance.ts';
import type { Imitation, Reference, ReferenceCase, ReferenceRow, Signature } from '../judge/judgement.ts';
import { type ImitationSpec, imitationsOf } from './imitations.ts';
import { type Rows, type RowsCase, wantScores } from './rows.ts';
import type { Taps } from './tapped-kernels.ts';
import { TappedModel } from './tapped-model.ts';

/** Ids of a row that are kept: the small fixtures' whole vocabulary, or the likeliest. */
export const KEPT = 512;

export interface ReferenceOptions {
  /** Default: those that the model needs, see {@link imitationsOf}. */
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
  { imitations, signatures = [], signal, onProgress = () => {} }: ReferenceOptions = {},
): Promise<Reference> {
  onProgress('truth');
  const truth = await computeTruth(modelDir, cases, signal);
  const wanted = wantScores(cases, idsOf(truth));
  const imitated: Imitation[] = [];
  let model: TappedModel | undefined;
  let weights: Taps['weights'];
  try {
    const specs = imitations ?? imitationsOf(await readModelConfig(modelDir));
    for (const [i, { precision, name, isDraw = false, taps: make }] of specs.entries()) {
      onProgress(`${name} (${i + 1} of ${specs.length} honest engines)`);
      const taps = make();
      if (!model || taps.weights !== weights) {
        await model?.close();
        ({ weights } = taps);
        model = await TappedModel.load(modelDir, cases, { weights });
      }
      imitated.push({ precision, name, isDraw, cases: await model.scores(wanted, { taps, signal }) });
    }
  } finally {
    await model?.close();
  }
  return { cases: truth, imitations: imitated, signatures };
}

/** The rows of our engine at f32. @throws as {@link computeReference} */
export async function computeTruth(
  modelDir: string,
  cases: readonly RowsCase[],
  signal?: AbortSignal,
): Promise<ReferenceCase[]> {
  const model = await TappedModel.load(modelDir, cases);
  try {
    const take = (logits: Float32Array, { positions }: RowsCase, i: number): ReferenceRow => {
      const ids = likeliest(logits, KEPT);
      const normalizer = logSumExp(logits);
      return { position: positions[i], ids, truth: pick(logits, ids).map((z) => z - normalizer) };
    };
    const rows = await model.rows(cases, take, { signal });
    return cases.map(({ id, ids, promptLength }) => ({ id, ids, promptLength, rows: rows.get(id)! }));
  } finally {
    await model.close();
  }
}

/** The ids of each row, by case. */
export function idsOf(cases: readonly ReferenceCase[]): Rows<Int32Array> {
  return new Map(cases.map(({ id, rows }) => [id, rows.map(({ ids }) => ids)]));
}

/** The values of some ids. */
export function pick(values: Float32Array, ids: Int32Array): Float32Array {
  return new Float32Array(ids.length).map((_, i) => values[ids[i]]);
}

/** The ids of the largest values, descending; of equal ones the lowest first. No value is NaN. */
export function likeliest(values: Float32Array, count: number): Int32Array {
  // The bar rises to the count-th largest value so far, so that a large vocabulary is never sorted whole.
  const most = new Float32Array(4 * count);
  let bar = Number.NEGATIVE_INFINITY;
  let taken = 0;
  const raise = () => {
    most.subarray(0, taken).sort();
    if (taken <= count) return;
    most.copyWithin(0, taken - count, taken);
    taken = count;
    bar = most[0];
  };
  for (let i = 0; i < values.length; i++) {
    if (values[i] <= bar) continue;
    if (taken === most.length) raise();
    most[taken++] = values[i];
  }
  raise();
  const ids: number[] = [];
  for (let id = 0; id < values.length; id++) if (values[id] >= bar) ids.push(id);
  return Int32Array.from(ids.sort((a, b) => values[b] - values[a] || a - b).slice(0, count));
}
