import { type Projections, project } from '../../golden/projection.ts';
import { ComparisonError, maxAbs, tolerance } from '../../golden/tolerance.ts';
import { type Difference, MAX_LISTED } from './difference.ts';

/** Hidden states as a golden stores them. */
export interface ExpectedHiddenStates {
  /** [stages, positions, width], width being the hidden size or the number of projections. */
  readonly values: Float32Array;
  /** Positions of the prompt whose states are stored, ascending. */
  readonly positions: readonly number[];
  /**
   * The reference's own distance from its float64 twin at each stage, as a fraction of the row's largest
   * magnitude.
   */
  readonly noise: readonly number[];
  readonly projections?: Projections;
}

/**
 * Compares hidden states stage by stage.
 *
 * @param hidden f32 [numHiddenLayers + 2, T, hiddenSize], finite.
 * @param length T, positions of the prompt.
 * @returns the first value that differs of each row, of the first stage with a difference; later stages
 * follow from it.
 * @throws ComparisonError if the stored states have another length, or one that is not finite.
 */
export function compareHiddenStates(
  hidden: Float32Array,
  length: number,
  expected: ExpectedHiddenStates,
  { hiddenSize, numHiddenLayers }: { hiddenSize: number; numHiddenLayers: number },
): Difference[] {
  const { values, positions, noise, projections } = expected;
  const width = projections?.count ?? hiddenSize;
  const stages = numHiddenLayers + 2;
  if (values.length !== stages * positions.length * width) {
    throw new ComparisonError(
      `the stored hidden states have ${values.length} values; expected ${stages * positions.length * width}`,
    );
  }
  for (let stage = 0; stage < stages; stage++) {
    const what = `hidden_states.${stage > numHiddenLayers ? 'final' : stage}`;
    const differences = positions.flatMap((position, i): Difference[] => {
      const begin = (stage * length + position) * hiddenSize;
      const got = project(hidden.subarray(begin, begin + hiddenSize), hiddenSize, projections);
      const stored = (stage * positions.length + i) * width;
      const row = values.subarray(stored, stored + width);
      const bound = tolerance(maxAbs(row), noise[stage]);
      const index = got.findIndex((value, d) => !(Math.abs(value - row[d]) <= bound));
      if (index < 0) return [];
      return [{ what, position, index, got: got[index], expected: row[index], tolerance: bound }];
    });
    if (differences.length > 0) return differences.slice(0, MAX_LISTED);
  }
  return [];
}
