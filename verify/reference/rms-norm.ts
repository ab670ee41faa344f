/**
 * y_i = w_i · x_i / √(mean(x²) + eps) for each row (Zhang & Sennrich 2019), in f64 inside.
 * @param y may be x.
 */
export function rmsNorm(
  { x, rows, y }: { x: Float32Array; rows: number; y: Float32Array },
  weight: Float32Array,
  eps: number,
): void {
  const width = weight.length;
  for (let begin = 0; begin < rows * width; begin += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += x[begin + i] ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) y[begin + i] = x[begin + i] * scale * weight[i];
  }
}
