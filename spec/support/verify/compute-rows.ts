import type { Rows, RowsCase, TakeRow } from '../../../verify/reference/rows.ts';
import { wantScores } from '../../../verify/reference/rows.ts';
import { type Pass, TappedModel } from '../../../verify/reference/tapped-model.ts';
import type { Bug } from '../../../verify/signatures/bug.ts';
import { faultyScores } from '../../../verify/signatures/faulty-scores.ts';

/** Loads a model with the weights of the taps, and computes one pass of it. */
export async function computeRows<T>(
  modelDir: string,
  cases: readonly RowsCase[],
  take: TakeRow<T>,
  pass: Pass = {},
): Promise<Rows<T>> {
  const model = await TappedModel.load(modelDir, cases, { weights: pass.taps?.weights });
  try {
    return await model.rows(cases, take, pass);
  } finally {
    await model.close();
  }
}

/** The rows of an engine with a bug, over the whole vocabulary. */
export async function computeFaulty<T>(
  modelDir: string,
  bug: Bug,
  cases: readonly RowsCase[],
  take: TakeRow<T>,
): Promise<Rows<T>> {
  const model = await TappedModel.load(modelDir, cases);
  try {
    const all = Int32Array.from({ length: model.config.vocabSize }, (_, id) => id);
    const ids = new Map(cases.map(({ id, positions }) => [id, positions.map(() => all)]));
    const scores = await faultyScores({ modelDir, model }, bug, { wanted: wantScores(cases, ids) });
    return new Map(cases.map((one) => [one.id, scores.get(one.id)!.map((row, i) => take(row, one, i))]));
  } finally {
    await model.close();
  }
}
