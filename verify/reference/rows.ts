/** A sequence and the positions whose rows are wanted, ascending. */
export interface RowsCase {
  readonly id: string;
  /** A prompt, then the tokens that were chosen after it. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  readonly positions: readonly number[];
}

/** By case, then by position. */
export type Rows<T> = ReadonlyMap<string, readonly T[]>;

/** Takes what is wanted of a row. @param logits f32 [vocabSize], only lent @param index of the position */
export type TakeRow<T> = (logits: Float32Array, rowsCase: RowsCase, index: number) => T;

/** Scores of some ids alone. */
export interface WantedScores {
  readonly cases: readonly RowsCase[];
  /** The ids that are wanted of each row. */
  readonly ids: Rows<Int32Array>;
  /** All of them, ascending. */
  readonly all: Int32Array;
}

export function wantScores(cases: readonly RowsCase[], ids: Rows<Int32Array>): WantedScores {
  const all = new Set<number>();
  for (const rows of ids.values()) for (const row of rows) for (const id of row) all.add(id);
  return { cases, ids, all: Int32Array.from(all).sort() };
}
