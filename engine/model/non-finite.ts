/** Where a forward pass first had NaN or infinity. */
export interface NonFinitePlace {
  /** As `Qwen3.forward` names its stages. */
  readonly stage: string;
  readonly position: number;
}

/** Whether there is no NaN and no infinity among the values. */
export function allFinite(values: Float32Array): boolean {
  // 0 times a finite number is 0, times any other NaN: one sum tells without a branch for each value.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  return sum === 0;
}

/** Finds the first stage of a forward pass, chunk by chunk, that has NaN or infinity. */
export class NonFiniteFinder {
  #place: NonFinitePlace | undefined;

  /** Undefined if every value so far was finite. */
  get place(): NonFinitePlace | undefined {
    return this.#place;
  }

  /**
   * Takes the values of a stage.
   *
   * @param values f32 [rows, width]
   * @param rows positions of the chunk.
   * @param startPosition of the chunk.
   */
  add(stage: string, values: Float32Array, rows: number, startPosition: number): void {
    if (this.#place || allFinite(values)) return;
    const index = values.findIndex((value) => !Number.isFinite(value));
    this.#place = { stage, position: startPosition + Math.floor(index / (values.length / rows)) };
  }
}
