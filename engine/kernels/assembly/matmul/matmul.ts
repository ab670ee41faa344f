import { MatmulArguments } from '../../abi';
import { PANEL, STRIP } from '../sizes';
import { halfTile } from './half-tile';
import { LEAF_BYTES, storeOutputs, TILE_BYTES } from './leaves';
import { fourPanelsBF16, fourPanelsF16, fourPanelsF32, fourRows, oneRow, threeRows, twoRows } from './tile';
import { BF16, Weights } from './weights';

/** y = x · Wᵀ of the panels first … last, whose weights are of type W. */
export function matmul<W>(args: MatmulArguments, first: usize, last: usize, scratch: usize): void {
  const x = <usize>args.x;
  const rows = <usize>args.rows;
  const inputs = <usize>args.inputs;
  const panels = <usize>args.panels;
  const outputs = <usize>args.outputs;
  const y = <usize>args.y;
  const leaves = <usize>args.leaves;
  const widenRows = <usize>args.widenRows;
  const panelBytes = inputs * Weights.stride<W>();
  let n = first;
  if (rows === 1) {
    for (; n + 4 <= last; n += 4) {
      fourPanels<W>(x, inputs, leaves, panels + n * panelBytes, y, n, outputs, scratch);
    }
  }
  for (; n < last; n++) {
    const panel = panels + n * panelBytes;
    // The tiles for few rows are for bf16: an f32 is not widened, and widening an f16 costs too much to
    // repeat.
    const isBF16 = !isFloat<W>() && !isSigned<W>();
    if (isBF16 && rows < widenRows) fewRows(x, rows, inputs, leaves, panel, y, n, outputs, scratch);
    else manyRows<W>(x, rows, inputs, leaves, panel, y, n, outputs, scratch);
  }
}

/** One row times four adjacent panels. */
function fourPanels<W>(
  x: usize,
  inputs: usize,
  leaves: usize,
  panels: usize,
  y: usize,
  n: usize,
  outputs: usize,
  scratch: usize,
): void {
  const leafLength = (inputs + leaves - 1) / leaves;
  for (let i: usize = 0; i < leaves; i++) {
    const from = min(i * leafLength, inputs);
    const to = min(from + leafLength, inputs);
    const w = panels + from * Weights.stride<W>();
    if (isFloat<W>()) fourPanelsF32(x + from * 4, x + to * 4, w, inputs, scratch + i * LEAF_BYTES);
    else if (isSigned<W>()) fourPanelsF16(x + from * 4, x + to * 4, w, inputs, scratch + i * LEAF_BYTES);
    else fourPanelsBF16(x + from * 4, x + to * 4, w, inputs, scratch + i * LEAF_BYTES);
  }
  for (let pair: usize = 0; pair < 4; pair++)
    storePanel(scratch + pair * PANEL * 4, leaves, y, n + pair, outputs);
}

/** A panel of bf16 times a few rows; each strip widens it anew. */
function fewRows(
  strips: usize,
  rows: usize,
  inputs: usize,
  leaves: usize,
  panel: usize,
  y: usize,
  n: usize,
  outputs: usize,
  scratch: usize,
): void {
  const leafLength = (inputs + leaves - 1) / leaves;
  for (let i: usize = 0; i < leaves; i++) {
    const from = min(i * leafLength, inputs);
    const to = min(from + leafLength, inputs);
    const w = panel + from * Weights.stride<BF16>();
    let sums = scratch + i * LEAF_BYTES;
    for (let row: usize = 0; row < rows; row += STRIP) {
      const width = min(STRIP, rows - row);
      const x = strips + row * inputs * 4;
      const begin = x + from * width * 4;
      const end = x + to * width * 4;
      if (width === 4) fourRows(begin, end, w, inputs, sums);
      else if (width === 3) threeRows(begin, end, w, inputs, sums);
      else if (width === 2) twoRows(begin, end, w, inputs, sums);
      else oneRow(begin, end, w, inputs, sums);
      sums += TILE_BYTES;
    }
  }
  storeRows(scratch, rows, leaves, y, n, outputs);
}

/** A panel times many rows: each leaf is widened once. */
function manyRows<W>(
  strips: usize,
  rows: usize,
  inputs: usize,
  leaves: usize,
  panel: usize,
  y: usize,
  n: usize,
  outputs: usize,
  scratch: usize,
): void {
  const leafLength = (inputs + leaves - 1) / leaves;
  const tiles = scratch + leafLength * Weights.stride<f32>();
  for (let i: usize = 0; i < leaves; i++) {
    const from = min(i * leafLength, inputs);
    const to = min(from + leafLength, inputs);
    let w = panel + from * Weights.stride<W>();
    if (!isFloat<W>()) {
      widenLeaf<W>(w, w + (to - from) * Weights.stride<W>(), scratch, Weights.mask(inputs));
      w = scratch;
    }
    let sums = tiles + i * LEAF_BYTES;
    for (let row: usize = 0; row < rows; row += STRIP) {
      const width = min(STRIP, rows - row);
      const x = strips + row * inputs * 4;
      const begin = x + from * width * 4;
      const end = x + to * width * 4;
      halfTile(width, begin, end, w, Weights.stride<f32>(), sums);
      halfTile(width, begin, end, w + 32, Weights.stride<f32>(), sums + 32);
      sums += TILE_BYTES;
    }
  }
  storeRows(tiles, rows, leaves, y, n, outputs);
}

function widenLeaf<W>(w: usize, end: usize, widened: usize, mask: v128): void {
  for (; w < end; w += Weights.stride<W>()) {
    const u0 = v128.load(w);
    const u1 = v128.load(w, 16);
    v128.store(widened, Weights.low<W>(u0));
    v128.store(widened, Weights.low<W>(u1), 16);
    v128.store(widened, Weights.high<W>(u0, mask), 32);
    v128.store(widened, Weights.high<W>(u1, mask), 48);
    widened += Weights.stride<f32>();
  }
}

function storeRows(tiles: usize, rows: usize, leaves: usize, y: usize, n: usize, outputs: usize): void {
  for (let row: usize = 0; row < rows; row++) {
    const sums = tiles + (row / STRIP) * TILE_BYTES + (row % STRIP) * PANEL * 4;
    storePanel(sums, leaves, y + row * outputs * 4, n, outputs);
  }
}

function storePanel(sums: usize, leaves: usize, y: usize, n: usize, outputs: usize): void {
  storeOutputs(sums, leaves, y + n * PANEL * 4, min(PANEL, outputs - n * PANEL));
}
