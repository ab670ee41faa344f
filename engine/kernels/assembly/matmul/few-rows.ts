import { PANEL } from '../sizes';
import { LEAF_BYTES, storeRows, TILE_BYTES } from './leaves';
import { sumPanelBF16 } from './tile';
import { BF16, Weights } from './weights';

/** Inputs of a panel that are computed before those of the next. */
const RUN: usize = 16;
/** Panels of a group, and their tiles: the sums of one leaf of all tiles stay in the first cache. */
const PANELS: usize = 8;
const TILES: usize = 16;

/** Panels of bf16 times a few rows; each strip widens the weights anew. */
export function fewRows(
  x: usize,
  rows: usize,
  numStrips: usize,
  inputs: usize,
  leaves: usize,
  panels: usize,
  y: usize,
  first: usize,
  last: usize,
  outputs: usize,
  scratch: usize,
): void {
  const most: usize = numStrips === 1 ? 1 : min<usize>(PANELS, TILES / numStrips);
  for (let n = first; n < last; n += most) {
    const count = min<usize>(most, last - n);
    group(x, rows, numStrips, inputs, leaves, panels, y, n, count, outputs, scratch);
  }
}

function group(
  strips: usize,
  rows: usize,
  numStrips: usize,
  inputs: usize,
  leaves: usize,
  panels: usize,
  y: usize,
  n: usize,
  count: usize,
  outputs: usize,
  scratch: usize,
): void {
  const leafLength = (inputs + leaves - 1) / leaves;
  const panelBytes = inputs * Weights.stride<BF16>();
  const panelTiles = numStrips * TILE_BYTES;
  panels += n * panelBytes;
  const base = rows / numStrips;
  const extra = rows % numStrips;
  const end = scratch + count * panelTiles;
  // A single strip: the next leaf is touched instead
  const isSingle = numStrips === 1;
  const length = isSingle ? leafLength : RUN;
  const ahead: usize = isSingle && (n + 1) * PANEL < outputs ? leafLength * Weights.stride<BF16>() : 0;
  for (let i: usize = 0; i < leaves; i++) {
    const from = min(i * leafLength, inputs);
    const to = min(from + leafLength, inputs);
    for (let sums = scratch + i * LEAF_BYTES; sums < end; sums += TILE_BYTES)
      memory.fill(sums, 0, LEAF_BYTES);
    for (let run = from; run < to; run += length) {
      const runEnd = min(run + length, to);
      let w = panels + run * Weights.stride<BF16>();
      let sums = scratch + i * LEAF_BYTES;
      for (let p: usize = 0; p < count; p++) {
        let x = strips;
        for (let strip: usize = 0; strip < numStrips; strip++) {
          const width = base + <usize>(strip < extra);
          sumPanelBF16(width, x + run * width * 4, x + runEnd * width * 4, w, ahead, sums);
          x += width * inputs * 4;
          sums += TILE_BYTES;
        }
        w += panelBytes;
      }
    }
  }
  for (let p: usize = 0; p < count; p++) {
    storeRows(scratch, rows, numStrips, leaves, y, n + p, outputs);
    scratch += panelTiles;
  }
}
