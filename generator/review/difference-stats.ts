/** Statistics of differences between numbers that should be equal. */
export class DifferenceStats {
  count = 0;
  /** Number of differences beyond their bounds. */
  beyond = 0;
  largest = 0;
  #squares = 0;

  /** @param bound the largest accepted difference; NaN is beyond every bound. */
  add(was: number, is: number, bound: number): void {
    const difference = Math.abs(is - was);
    this.count++;
    if (!(difference <= bound)) this.beyond++;
    this.largest = Math.max(this.largest, difference);
    this.#squares += difference ** 2;
  }

  /** Root mean square; 0 if nothing was added. */
  get rms(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }
}
