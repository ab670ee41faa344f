/** Where a forward pass first had NaN or infinity. */
export interface NonFinitePlace {
  /** As `Qwen3.forward` names its stages. */
  readonly stage: string;
  readonly position: number;
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
    if (this.#place) return;
    const index = values.findIndex((value) => !Number.isFinite(value));
    if (index < 0) return;
    this.#place = { stage, position: startPosition + Math.floor(index / (values.length / rows)) };
  }
}
