import test from 'ava';
import { rmsNorm } from '../../../../verify/reference/rms-norm.ts';

test('each row is divided by its RMS, eps included, and multiplied by the gains', (t) => {
  const x = Float32Array.of(3, 4, 0, 0);
  rmsNorm({ x, y: x, rows: 2 }, Float32Array.of(1, 2), 0.25);
  const scale = 1 / Math.sqrt(12.5 + 0.25);
  t.deepEqual([...x], [Math.fround(3 * scale), Math.fround(8 * scale), 0, 0]);
  const longer = Float32Array.of(3, 4, 5, 6);
  rmsNorm({ x: longer, y: longer, rows: 1 }, Float32Array.of(1, 2), 0.25);
  t.deepEqual([...longer.subarray(2)], [5, 6], 'rows that were not asked for');
});
