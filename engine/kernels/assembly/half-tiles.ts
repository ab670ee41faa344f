import { half1, half2, half3, half4, onward1, onward2, onward3, onward4 } from './tiles';

/** Sums of 8 outputs of 1 … 4 rows over a run of inputs, begun at +0; see HalfTile. */
export function halfTile(rows: usize, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  if (rows === 4) half4(x, end, w, stride, sums);
  else if (rows === 3) half3(x, end, w, stride, sums);
  else if (rows === 2) half2(x, end, w, stride, sums);
  else half1(x, end, w, stride, sums);
}

/** The same, going on from the sums. */
export function onwardTile(rows: usize, x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  if (rows === 4) onward4(x, end, w, stride, sums);
  else if (rows === 3) onward3(x, end, w, stride, sums);
  else if (rows === 2) onward2(x, end, w, stride, sums);
  else onward1(x, end, w, stride, sums);
}
