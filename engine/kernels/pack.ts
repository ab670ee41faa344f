import type { WeightDtype } from '../config.ts';
import { KernelError } from '../errors.ts';
import { PANEL } from './abi.ts';
import type { PackedMatrix, ReadRows } from './kernels.ts';
import { LEAVES } from './numerics.ts';
import { bytesPerWeight, weightBits } from './widen.ts';

/** The shape of a matrix to pack. */
export interface MatrixShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly dtype: WeightDtype;
  /** Default {@link LEAVES}. */
  readonly leaves?: number;
}

/** Bytes of the panels of a matrix, the padding of the last one included. */
export function packedBytes({ outputs, inputs, dtype }: MatrixShape): number {
  return Math.ceil(outputs / PANEL) * PANEL * inputs * bytesPerWeight(dtype);
}

/**
 * The place of an output's weight in a panel; see {@link PackedMatrix}.
 *
 * @param output 0 … {@link PANEL} − 1
 */
export function laneOf(dtype: WeightDtype, output: number): number {
  const half = PANEL / 2;
  return bytesPerWeight(dtype) === 4 ? output : 2 * (output % half) + Math.floor(output / half);
}

/**
 * Reads a matrix in ascending runs of rows.
 *
 * @param most rows of a run, a multiple of {@link PANEL}
 * @throws KernelError if `readRows` returns a wrong number of bytes.
 */
export function readMatrix(
  shape: MatrixShape,
  most: number,
  readRows: ReadRows,
  take: (bytes: Uint8Array, firstRow: number, numRows: number) => void,
): void {
  const { outputs, inputs, dtype } = shape;
  const rowBytes = inputs * bytesPerWeight(dtype);
  for (let firstRow = 0; firstRow < outputs; firstRow += most) {
    const numRows = Math.min(most, outputs - firstRow);
    const bytes = readRows(firstRow, numRows);
    if (bytes.length !== numRows * rowBytes) {
      throw new KernelError(
        `pack: reading rows ${firstRow} to ${firstRow + numRows} of a ${dtype} matrix [${outputs}, ${inputs}] gave ${bytes.length} bytes, expected ${numRows * rowBytes}`,
      );
    }
    take(bytes, firstRow, numRows);
  }
}

/**
 * Packs a matrix into zeroed panels; see {@link PackedMatrix} for their order.
 *
 * @param panels of {@link packedBytes} bytes, all 0, written
 * @throws KernelError if `readRows` returns a wrong number of bytes.
 */
export function packPanels(shape: MatrixShape, readRows: ReadRows, panels: Uint8Array): PackedMatrix {
  const { outputs, inputs, dtype, leaves = LEAVES } = shape;
  const packed = weightBits(dtype, panels);
  readMatrix(shape, PANEL, readRows, (bytes, firstRow, numRows) => {
    const rows = weightBits(dtype, bytes);
    for (let row = 0; row < numRows; row++) {
      const output = firstRow + row;
      const at = Math.floor(output / PANEL) * PANEL * inputs + laneOf(dtype, output % PANEL);
      for (let k = 0; k < inputs; k++) packed[at + k * PANEL] = rows[row * inputs + k];
    }
  });
  return { outputs, inputs, dtype, leaves, panels };
}
