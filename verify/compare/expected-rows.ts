import type { LoadedCase } from '../../golden/goldens.ts';
import { storedIds, TOP } from '../../golden/schema.ts';
import { ComparisonError, logSumExp, maxAbs } from '../../golden/tolerance.ts';

/** A row of logits as a golden stores it. */
export interface ExpectedRow {
  /** A position of the prompt, or, beyond it, of the token that is generated from the row. */
  readonly position: number;
  /**
   * The tokens that `logits` belongs to; distinct tokens stand at distinct indices, but for those of the
   * sample.
   */
  readonly ids: readonly number[];
  readonly logits: Float32Array;
  /** Largest magnitude in the whole row. */
  readonly rowMax: number;
  /** The logarithm of the sum of the whole row's exponentials. */
  readonly logSumExp: number;
  /** The float64 twin's logits, of the same tokens. */
  readonly truth?: Float64Array;
}

/**
 * The rows of a recorded case: those of the stored positions, then one for each greedy token.
 *
 * @param vocabularySample the manifest's.
 * @throws ComparisonError if the rows have another length than the manifest says, or a value that is not
 * finite.
 */
export function expectedRows(
  { recorded: { ids, positions, greedy }, tensors }: LoadedCase,
  vocabSize: number,
  vocabularySample?: readonly number[],
): ExpectedRow[] {
  const all = [...positions, ...greedy.tokens.map((_, step) => ids.length + step)];
  const columns = tensors.logits.length / all.length;
  return all.map((position, i) => {
    const slice = <T extends Float32Array | Float64Array>(values: T): T =>
      values.subarray(i * columns, (i + 1) * columns) as T;
    const rowIds = storedIds(
      vocabSize,
      vocabularySample,
      tensors.sampled?.topIds.subarray(i * TOP, (i + 1) * TOP),
    );
    if (rowIds.length !== columns) {
      throw new ComparisonError(`the stored rows have ${columns} values; expected ${rowIds.length}`);
    }
    const logits = slice(tensors.logits);
    const largest = maxAbs(logits);
    return {
      position,
      ids: rowIds,
      logits,
      rowMax: tensors.sampled?.rowMax[i] ?? largest,
      logSumExp: tensors.sampled?.logSumExp[i] ?? logSumExp(logits),
      truth: tensors.logitsFloat64 && slice(tensors.logitsFloat64),
    };
  });
}
