import { argument } from './job';
import { STRIP } from './sizes';

/**
 * Copies rows, f32 [rows, inputs], into the strips first … last of four rows each, f32 [rows / 4][inputs][4]; a last strip
 * may have fewer. A tile then reads one address and no more. The arguments are x, rows, inputs, strips.
 */
export function packRows(job: usize, first: usize, last: usize): void {
  const x = argument(job, 0);
  const rows = argument(job, 1);
  const inputs = argument(job, 2);
  const strips = argument(job, 3);
  const rowBytes = inputs * sizeof<f32>();
  for (let strip = first; strip < last; strip++) {
    const row = strip * STRIP;
    const width = min(STRIP, rows - row);
    let from = x + row * rowBytes;
    let to = strips + row * rowBytes;
    const end = from + rowBytes;
    if (width === STRIP) {
      for (; from < end; from += sizeof<f32>()) {
        store<f32>(to, load<f32>(from));
        store<f32>(to, load<f32>(from + rowBytes), 4);
        store<f32>(to, load<f32>(from + 2 * rowBytes), 8);
        store<f32>(to, load<f32>(from + 3 * rowBytes), 12);
        to += 16;
      }
    } else {
      for (; from < end; from += sizeof<f32>()) {
        for (let i: usize = 0; i < width; i++) store<f32>(to + i * 4, load<f32>(from + i * rowBytes));
        to += width * 4;
      }
    }
  }
}
