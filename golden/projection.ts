import seedrandom from 'seedrandom';

/** How wide hidden states are stored as projections, and from which seed. */
export interface Projections {
  seed: string;
  count: number;
}

/**
 * Seeded random projections of rows, `p[j] = Σ r[j,h]·x[h] / √width` with r = ±1: a difference in any of the
 * values shows in nearly all projections (Johnson–Lindenstrauss; Achlioptas 2003).
 *
 * @param values [rows, width]
 * @returns f64 [rows, count]; the values themselves where no projection is asked for.
 */
export function project(values: ArrayLike<number>, width: number, projections?: Projections): Float64Array {
  if (!projections) return Float64Array.from(values);
  const random = seedrandom.alea(projections.seed);
  const signs = new Float64Array(projections.count * width).map(() => (random() < 0.5 ? -1 : 1));
  const rows = values.length / width;
  const result = new Float64Array(rows * projections.count);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < projections.count; j++) {
      let sum = 0;
      for (let h = 0; h < width; h++) sum += signs[j * width + h] * values[row * width + h];
      result[row * projections.count + j] = sum / Math.sqrt(width);
    }
  }
  return result;
}
