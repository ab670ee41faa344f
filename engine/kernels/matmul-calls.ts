import type { WeightDtype } from '../config.ts';
import {
  FEW_ROWS,
  FEW_ROWS_NARROW,
  type MatmulArguments,
  PANEL,
  type PackPanelsArguments,
  type PackRowsArguments,
  TILE_ROWS,
  WIDENING_TILE_ROWS,
} from './abi.ts';
import type { KernelCall } from './pool.ts';
import { type ArgumentsOf, KERNELS } from './table.ts';
import { bytesPerWeight } from './widen.ts';

/** Panels of a part where there is one strip: a single row reads four side by side. */
const PANELS_OF_ONE_STRIP = 4;
/** The most panels of a part where there are more: a few rows go through eight in turn. */
const MOST_PANELS = 8;

const MATMUL = { F32: KERNELS.matmulF32, F16: KERNELS.matmulF16, BF16: KERNELS.matmulBF16 };

/** The strips in which a matmul takes these rows: as few as its tiles allow. They change no bit. */
export function numStrips(rows: number, dtype: WeightDtype, isWide: boolean): number {
  const isWidening = dtype === 'BF16' && rows <= (isWide ? FEW_ROWS : FEW_ROWS_NARROW);
  if (!isWidening) return Math.ceil(rows / TILE_ROWS);
  // Two tiles read the weights twice, but more rows are computed sooner in tiles of four than of five.
  return rows <= WIDENING_TILE_ROWS ? 1 : Math.ceil(rows / (WIDENING_TILE_ROWS - 1));
}

/** Packs rows of a matrix of this dtype into panels. */
export function packPanelsCall(
  dtype: WeightDtype,
  args: ArgumentsOf<PackPanelsArguments>,
): KernelCall<PackPanelsArguments> {
  return {
    kernel: bytesPerWeight(dtype) === 2 ? KERNELS.packPanels16 : KERNELS.packPanels32,
    args,
    units: Math.ceil(args.rows / PANEL),
    grain: PANELS_OF_ONE_STRIP,
    work: args.rows * args.inputs,
  };
}

/** Packs rows of x into strips, which a matmul of several rows reads. */
export function packRowsCall(args: ArgumentsOf<PackRowsArguments>): KernelCall<PackRowsArguments> {
  return {
    kernel: KERNELS.packRows,
    args,
    units: args.numStrips,
    grain: 1,
    work: args.rows * args.inputs,
  };
}

/** Multiplies up to a block of rows, in strips unless there is one row, by a matrix in panels. */
export function matmulCall(
  dtype: WeightDtype,
  args: ArgumentsOf<MatmulArguments>,
): KernelCall<MatmulArguments> {
  return {
    kernel: MATMUL[dtype],
    args,
    units: Math.ceil(args.outputs / PANEL),
    ...(args.numStrips === 1 ? { grain: PANELS_OF_ONE_STRIP } : { grain: MOST_PANELS, minGrain: 1 }),
    work: args.rows * args.inputs * args.outputs,
  };
}
