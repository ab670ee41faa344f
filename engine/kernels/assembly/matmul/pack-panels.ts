import { PackPanelsArguments } from '../../abi';
import { PANEL } from '../sizes';

/** Packs the panels first … last of a run of rows. @typeParam T of the size of a weight */
export function packPanels<T>(args: PackPanelsArguments, first: usize, last: usize): void {
  const weights = <usize>args.weights;
  const rows = <usize>args.rows;
  const inputs = <usize>args.inputs;
  const panels = <usize>args.panels;
  const rowBytes = inputs * sizeof<T>();
  for (let panel = first; panel < last; panel++) {
    const present = min(PANEL, rows - panel * PANEL);
    let from = weights + panel * PANEL * rowBytes;
    let to = panels + panel * PANEL * rowBytes;
    const end = from + rowBytes;
    if (present === PANEL) {
      for (; from < end; from += sizeof<T>()) {
        if (sizeof<T>() === 2) packWords(from, rowBytes, to);
        else packFloats(from, rowBytes, to);
        to += PANEL * sizeof<T>();
      }
    } else {
      for (; from < end; from += sizeof<T>()) {
        for (let output: usize = 0; output < present; output++) {
          const lane: usize = sizeof<T>() === 2 ? 2 * (output % 8) + output / 8 : output;
          store<T>(to + lane * sizeof<T>(), load<T>(from + output * rowBytes));
        }
        to += PANEL * sizeof<T>();
      }
    }
  }
}

/** One input's 16 weights of 16 bits. */
function packWords(from: usize, rowBytes: usize, to: usize): void {
  const half = from + 8 * rowBytes;
  for (let i: usize = 0; i < 8; i++) {
    store<u32>(to + i * 4, load<u16>(from + i * rowBytes) | ((<u32>load<u16>(half + i * rowBytes)) << 16));
  }
}

/** One input's 16 weights of 32 bits. */
function packFloats(from: usize, rowBytes: usize, to: usize): void {
  for (let i: usize = 0; i < PANEL; i++) store<u32>(to + i * 4, load<u32>(from + i * rowBytes));
}
