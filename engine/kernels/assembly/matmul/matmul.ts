import { MatmulArguments } from '../../abi';
import { FEW_ROWS, FEW_ROWS_NARROW, PANEL } from '../sizes';
import { fewRows } from './few-rows';
import { fourPanelsBF16, fourPanelsF16, fourPanelsF32 } from './four-panels';
import { LEAF_BYTES, storeOutputs, storeRows, TILE_BYTES } from './leaves';
import { sumHalf, sumPanel } from './tile';
import { Weights } from './weights';

/** Bytes that memory is read in. */
const CACHE_LINE: usize = 64;

/** y = x · Wᵀ of the panels first … last, whose weights are of type W. */
export function matmul<W>(args: MatmulArguments, first: usize, last: usize, scratch: usize): void {
  const x = <usize>args.x;
  const rows = <usize>args.rows;
  const numStrips = <usize>args.numStrips;
  const inputs = <usize>args.inputs;
  const panels = <usize>args.panels;
  const outputs = <usize>args.outputs;
  const y = <usize>args.y;
  const leaves = <usize>args.leaves;
  const isWide = args.isWide !== 0;
  const panelBytes = inputs * Weights.stride<W>();
  let n = first;
  if (rows === 1) {
    for (; n + 4 <= last; n += 4) {
      fourPanels<W>(x, inputs, leaves, panels + n * panelBytes, y, n, outputs, scratch);
    }
  }
  // An f32 is not widened, and widening an f16 costs too much to repeat.
  const isBF16 = !isFloat<W>() && !isSigned<W>();
  if (isBF16 && rows <= (isWide ? FEW_ROWS : FEW_ROWS_NARROW)) {
    fewRows(x, rows, numStrips, inputs, leaves, panels, n, last, y, outputs, scratch);
    return;
  }
  for (; n < last; n++) {
    const panel = panels + n * panelBytes;
    manyRows<W>(x, rows, numStrips, inputs, leaves, isWide, panel, y, n, outputs, scratch);
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
  y += n * PANEL * 4;
  const end = scratch + 3 * PANEL * 4;
  storeOutputs(scratch, end, leaves, y, PANEL * 4, PANEL);
  // Only the last panel of a matrix can be partly filled.
  const present = min(PANEL, outputs - (n + 3) * PANEL);
  storeOutputs(end, end + PANEL * 4, leaves, y + 3 * PANEL * 4, 0, present);
}

/** A panel times many rows: each leaf is widened once. */
function manyRows<W>(
  strips: usize,
  rows: usize,
  numStrips: usize,
  inputs: usize,
  leaves: usize,
  isWide: bool,
  panel: usize,
  y: usize,
  n: usize,
  outputs: usize,
  scratch: usize,
): void {
  const leafLength = (inputs + leaves - 1) / leaves;
  const tiles = scratch + leafLength * Weights.stride<f32>();
  const base = rows / numStrips;
  const extra = rows % numStrips;
  const isLast = (n + 1) * PANEL >= outputs;
  for (let i: usize = 0; i < leaves; i++) {
    const from = min(i * leafLength, inputs);
    const to = min(from + leafLength, inputs);
    let w = panel + from * Weights.stride<W>();
    // The next leaf follows in memory, except after the matrix's last. Before each strip a part of it is
    // touched: the processor fetches it, and what comes next, while the strip is computed.
    let touch = w + leafLength * Weights.stride<W>();
    const touchEnd = isLast ? touch : touch + (to - from) * Weights.stride<W>();
    const part = (touchEnd - touch + numStrips - 1) / numStrips;
    if (!isFloat<W>()) {
      widenLeaf<W>(w, w + (to - from) * Weights.stride<W>(), scratch, Weights.mask(inputs));
      w = scratch;
    }
    let sums = tiles + i * LEAF_BYTES;
    let x = strips;
    for (let strip: usize = 0; strip < numStrips; strip++) {
      const width = base + <usize>(strip < extra);
      const begin = x + from * width * 4;
      const end = x + to * width * 4;
      const partEnd = min(touch + part, touchEnd);
      for (; touch < partEnd; touch += CACHE_LINE) load<u8>(touch);
      // Two rows times eight outputs have too few sums to cover the latency of an addition.
      if (isWide || width < 3) sumPanel(width, begin, end, w, Weights.stride<f32>(), sums);
      else {
        sumHalf(width, begin, end, w, Weights.stride<f32>(), sums);
        sumHalf(width, begin, end, w + 32, Weights.stride<f32>(), sums + 32);
      }
      x += width * inputs * 4;
      sums += TILE_BYTES;
    }
  }
  storeRows(tiles, rows, numStrips, leaves, y, n, outputs);
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
