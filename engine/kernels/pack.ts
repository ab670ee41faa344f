import type { WeightDtype } from '../config.ts';
import { KernelError } from '../errors.ts';
import { PANEL, type PackedMatrix, type ReadRows } from './kernels.ts';
import { bytesPerWeight, type WeightBits, weightBits } from './widen.ts';

/** What a matrix to be packed is. */
export interface MatrixShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly dtype: WeightDtype;
}

/** Bytes asked of {@link ReadRows} at a time, where a panel is no larger: few calls, and no second copy of the matrix. */
const READ_BYTES = 2 ** 20;

/** Bytes of the panels of a matrix, the padding of the last one included. */
export function packedBytes({ outputs, inputs, dtype }: MatrixShape): number {
  return Math.ceil(outputs / PANEL) * PANEL * inputs * bytesPerWeight(dtype);
}

/**
 * Packs a matrix into zeroed panels; see {@link PackedMatrix} for their order.
 *
 * @param panels of {@link packedBytes} bytes, all 0, written
 * @throws KernelError if `readRows` returns another number of bytes than it was asked for.
 */
export function packPanels(shape: MatrixShape, readRows: ReadRows, panels: Uint8Array): PackedMatrix {
  const { outputs, inputs, dtype } = shape;
  const rowBytes = inputs * bytesPerWeight(dtype);
  const rowsPerRead = PANEL * Math.max(1, Math.floor(READ_BYTES / (PANEL * rowBytes)));
  const packed = weightBits(dtype, panels);
  for (let firstRow = 0; firstRow < outputs; firstRow += rowsPerRead) {
    const numRows = Math.min(rowsPerRead, outputs - firstRow);
    const bytes = readRows(firstRow, numRows);
    if (bytes.length !== numRows * rowBytes) {
      throw new KernelError(
        `pack: reading rows ${firstRow} to ${firstRow + numRows} of a ${dtype} matrix [${outputs}, ${inputs}] gave ${bytes.length} bytes, expected ${numRows * rowBytes}`,
      );
    }
    const rows = weightBits(dtype, bytes);
    for (let row = 0; row < numRows; row += PANEL) {
      const panel = (firstRow + row) * inputs;
      if (row + PANEL <= numRows) packPanel(rows, row * inputs, inputs, packed, panel);
      else packLastPanel(rows, row * inputs, inputs, numRows - row, packed, panel);
    }
  }
  return { outputs, inputs, dtype, panels };
}

/** Transposes eight rows, [PANEL, inputs] from `from` on, into a panel, [inputs, PANEL]. */
function packPanel(rows: WeightBits, from: number, inputs: number, panels: WeightBits, to: number): void {
  // Unrolled, and without views of its own, because every weight of a model passes here: four times as fast.
  const [row0, row1, row2, row3] = [from, from + inputs, from + 2 * inputs, from + 3 * inputs];
  const [row4, row5, row6, row7] = [row0, row1, row2, row3].map((row) => row + 4 * inputs);
  for (let k = 0; k < inputs; k++) {
    const at = to + k * PANEL;
    panels[at] = rows[row0 + k];
    panels[at + 1] = rows[row1 + k];
    panels[at + 2] = rows[row2 + k];
    panels[at + 3] = rows[row3 + k];
    panels[at + 4] = rows[row4 + k];
    panels[at + 5] = rows[row5 + k];
    panels[at + 6] = rows[row6 + k];
    panels[at + 7] = rows[row7 + k];
  }
}

/** The same for a last panel of fewer rows; what it does not fill stays 0. */
function packLastPanel(
  rows: WeightBits,
  from: number,
  inputs: number,
  numRows: number,
  panels: WeightBits,
  to: number,
): void {
  for (let row = 0; row < numRows; row++) {
    for (let k = 0; k < inputs; k++) panels[to + k * PANEL + row] = rows[from + row * inputs + k];
  }
}
