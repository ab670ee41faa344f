import type { Published } from '../../../golden/schema.ts';
import { ComparisonError } from '../../../golden/tolerance.ts';
import type { SubjectModel } from '../../../verify/subject.ts';

/** What {@link wrongFigures} uses of what was published. */
export type Figures = Omit<Published, 'source' | 'model'>;

/**
 * Runs a model on the ids that somebody published figures of.
 *
 * @returns a line for each figure that is another.
 * @throws ComparisonError if there is not one mean for each id, there are more logits than the model has, or one of its
 * figures is not finite.
 */
export async function wrongFigures(
  model: Pick<SubjectModel, 'forward'>,
  { ids, meanLogits, firstLogits, tolerance }: Figures,
): Promise<string[]> {
  if (ids.length === 0 || meanLogits.length !== ids.length) {
    throw new ComparisonError(`${meanLogits.length} means were published of ${ids.length} positions`);
  }
  const { rows } = await model.forward({ ids, positions: [...ids.keys()] });
  const figures = [
    ...rows.map(({ values }, i) => [`the mean of position ${i}`, mean(values), meanLogits[i]] as const),
    ...firstLogits.map(
      (expected, id) => [`logit ${id} of position 0`, rows[0].values[id], expected] as const,
    ),
  ];
  return figures.flatMap(([what, got, expected]) => {
    if (!Number.isFinite(got)) throw new ComparisonError(`${what} is ${got}`);
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
