import { LEAVES, PANEL } from './sizes';
import { LEAF_BYTES, Tile } from './tile';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { BF16, F16, Weights } from './weights';

/** Where in the scratch memory the leaves of a tile end and a widened panel begins. */
const WIDENED: usize = LEAVES * LEAF_BYTES;
/** From this many rows on, a 16-bit panel is widened once for all of them. */
const WIDEN_ROWS: usize = 9;

/** y = x · Wᵀ. @param scratch of 1024 bytes, and, if the weights have 16 bits, a panel in f32 behind them */
export function matmulF32(
  x: usize,
  rows: usize,
  inputs: usize,
  panels: usize,
  outputs: usize,
  y: usize,
  scratch: usize,
): void {
  matmul<f32>(x, rows, inputs, panels, outputs, y, scratch);
}

export function matmulF16(
  x: usize,
  rows: usize,
  inputs: usize,
  panels: usize,
  outputs: usize,
  y: usize,
  scratch: usize,
): void {
  matmul<F16>(x, rows, inputs, panels, outputs, y, scratch);
}

export function matmulBF16(
  x: usize,
  rows: usize,
  inputs: usize,
  panels: usize,
  outputs: usize,
  y: usize,
  scratch: usize,
): void {
  matmul<BF16>(x, rows, inputs, panels, outputs, y, scratch);
}

function matmul<W>(
  x: usize,
  rows: usize,
  inputs: usize,
  panels: usize,
  outputs: usize,
  y: usize,
  scratch: usize,
): void {
  const panelBytes = inputs * Weights.stride<W>();
  let n: usize = 0;
  if (rows === 1) {
    for (; n + 4 * PANEL <= outputs; n += 4 * PANEL) {
      Tile.compute<W>(1, 4, x, inputs, panels, outputs, n, y, scratch);
      panels += 4 * panelBytes;
    }
  } else if (rows === 2) {
    for (; n + 2 * PANEL <= outputs; n += 2 * PANEL) {
      Tile.compute<W>(2, 2, x, inputs, panels, outputs, n, y, scratch);
      panels += 2 * panelBytes;
    }
  }
  for (; n < outputs; n += PANEL) {
    if (sizeof<W>() < sizeof<f32>() && rows >= WIDEN_ROWS) {
      widenPanel<W>(panels, inputs, scratch + WIDENED);
      panelTimesRows<f32>(x, rows, inputs, scratch + WIDENED, outputs, n, y, scratch);
    } else {
      panelTimesRows<W>(x, rows, inputs, panels, outputs, n, y, scratch);
    }
    panels += panelBytes;
  }
}

function widenPanel<W>(panel: usize, inputs: usize, widened: usize): void {
  const end = panel + inputs * Weights.stride<W>();
  for (; panel < end; panel += Weights.stride<W>()) {
    v128.store(widened, Weights.low<W>(panel));
    v128.store(widened, Weights.high<W>(panel), 16);
    widened += Weights.stride<f32>();
  }
}

function panelTimesRows<W>(
  x: usize,
  rows: usize,
  inputs: usize,
  panel: usize,
  outputs: usize,
  n: usize,
  y: usize,
  scratch: usize,
): void {
  const xBytes = inputs * sizeof<f32>();
  const yBytes = outputs * sizeof<f32>();
  for (; rows >= 4; rows -= 4) {
    Tile.compute<W>(4, 1, x, inputs, panel, outputs, n, y, scratch);
    x += 4 * xBytes;
    y += 4 * yBytes;
  }
  if (rows === 3) Tile.compute<W>(3, 1, x, inputs, panel, outputs, n, y, scratch);
  else if (rows === 2) Tile.compute<W>(2, 1, x, inputs, panel, outputs, n, y, scratch);
  else if (rows === 1) Tile.compute<W>(1, 1, x, inputs, panel, outputs, n, y, scratch);
}
