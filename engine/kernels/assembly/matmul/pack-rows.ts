import { PackRowsArguments } from '../../abi';
import { TILE_ROWS } from '../sizes';
import { Strips } from './strips';

/** Copies rows into the strips first … last, so that a tile reads its rows from one address. */
export function packRows(args: PackRowsArguments, first: usize, last: usize): void {
  const x = <usize>args.x;
  const rows = <usize>args.rows;
  const inputs = <usize>args.inputs;
  const strips = <usize>args.strips;
  const count = <usize>args.numStrips;
  const rowBytes = inputs * sizeof<f32>();
  for (let strip = first; strip < last; strip++) {
    const row = Strips.first(rows, count, strip);
    const width = Strips.width(rows, count, strip);
    let from = x + row * rowBytes;
    let to = strips + row * rowBytes;
    const end = from + rowBytes;
    if (width === TILE_ROWS) {
      for (; from < end; from += sizeof<f32>()) {
        const middle = from + 3 * rowBytes;
        store<f32>(to, load<f32>(from));
        store<f32>(to, load<f32>(from + rowBytes), 4);
        store<f32>(to, load<f32>(from + 2 * rowBytes), 8);
        store<f32>(to, load<f32>(middle), 12);
        store<f32>(to, load<f32>(middle + rowBytes), 16);
        store<f32>(to, load<f32>(middle + 2 * rowBytes), 20);
        to += 24;
      }
    } else {
      for (; from < end; from += sizeof<f32>()) {
        for (let i: usize = 0; i < width; i++) store<f32>(to + i * 4, load<f32>(from + i * rowBytes));
        to += width * 4;
      }
    }
  }
}
