import { PackRowsArguments } from '../../abi';
import { STRIP } from '../sizes';

/** Copies rows into the strips first … last, so that a tile reads its rows from one address. */
export function packRows(args: PackRowsArguments, first: usize, last: usize): void {
  const x = <usize>args.x;
  const rows = <usize>args.rows;
  const inputs = <usize>args.inputs;
  const strips = <usize>args.strips;
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
