import type { Published } from '../../../golden/schema.ts';
import { ComparisonError, logSumExp } from '../../../golden/tolerance.ts';
import { checkRows } from '../../../verify/compare/answers.ts';
import { NotSupportedError } from '../../../verify/errors.ts';
import type { SubjectModel } from '../../../verify/subject.ts';

/** What {@link wrongFigures} uses of what was published. */
export type Figures = Omit<Published, 'source' | 'model'>;

/**
 * Runs a model on the ids that figures were published of.
 *
 * @returns a line for each figure that is another.
 * @throws ComparisonError if there is not one mean for each id, or there are more logits than the model has.
 * @throws NotSupportedError if the model does not show the logits of the whole vocabulary.
 * @throws SubjectError if its rows are not one for each position, or not finite.
 */
export async function wrongFigures(
  model: Pick<SubjectModel, 'forward'>,
  { ids, meanLogits, firstLogits, tolerance }: Figures,
): Promise<string[]> {
  if (ids.length === 0 || meanLogits.length !== ids.length) {
    throw new ComparisonError(`${meanLogits.length} means were published of ${ids.length} positions`);
  }
  const asked = 'forward of the published ids';
  const { rows } = await model.forward({ ids, positions: [...ids.keys()] });
  if (rows.some((row) => row.ids)) {
    throw new NotSupportedError(`${asked}: found rows of some tokens; expected the whole vocabulary`);
  }
  const vocabSize = rows[0]?.values.length;
  checkRows(asked, rows, { count: ids.length, vocabSize });
  if (rows.every(({ values }) => Math.abs(logSumExp(values)) < 1e-3)) {
    throw new NotSupportedError(`${asked}: found log-probabilities; expected logits`);
  }
  if (firstLogits.length > vocabSize) {
    throw new ComparisonError(`${firstLogits.length} logits were published of a vocabulary of ${vocabSize}`);
  }
  const figures = [
    ...rows.map(({ values }, i) => [`the mean of position ${i}`, mean(values), meanLogits[i]] as const),
    ...firstLogits.map(
      (expected, id) => [`logit ${id} of position 0`, rows[0].values[id], expected] as const,
    ),
  ];
  return figures.flatMap(([what, got, expected]) => {
    const bound = tolerance.atol + tolerance.rtol * Math.abs(expected);
    return Math.abs(got - expected) <= bound
      ? []
      : [`${what} is ${got}, published is ${expected} ± ${bound}`];
  });
}

/** The mean of a row, summed in float64. */
export function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
