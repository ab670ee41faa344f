import type { Published } from '../../golden/schema.ts';
import { ComparisonError } from '../../golden/tolerance.ts';
import type { SubjectModel } from './subject.ts';

/** What {@link wrongMeans} uses of published figures. */
export type Figures = Pick<Published, 'ids' | 'meanLogits' | 'tolerance'>;

/**
 * Runs a model on the ids that somebody published figures of.
 *
 * @returns a line for each position whose mean over the vocabulary is another.
 * @throws ComparisonError if there is not one figure for each id, or a mean is not finite.
 */
export async function wrongMeans(
  model: Pick<SubjectModel, 'forward'>,
  { ids, meanLogits, tolerance }: Figures,
): Promise<string[]> {
  if (ids.length === 0 || meanLogits.length !== ids.length) {
    throw new ComparisonError(`${meanLogits.length} means were published of ${ids.length} positions`);
  }
  const { logits } = await model.forward(ids, [...ids.keys()]);
  return means(logits, ids.length).flatMap((mean, position) => {
    if (!Number.isFinite(mean)) throw new ComparisonError(`the mean of position ${position} is ${mean}`);
    const expected = meanLogits[position];
    if (Math.abs(mean - expected) <= tolerance) return [];
    return [
      `position ${position}: the mean of the logits is ${mean}, published is ${expected} ± ${tolerance}`,
    ];
  });
}

/** The mean of each row, summed in float64. @param logits [rows, vocabSize] */
export function means(logits: Float32Array, rows: number): number[] {
  const vocabSize = logits.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const values = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
    return values.reduce((sum, value) => sum + value, 0) / vocabSize;
  });
}
