import { PANEL } from '../sizes';
import { LEAF_BYTES, storeRows, TILE_BYTES } from './leaves';
import { sumPanelBF16 } from './tile';
import { BF16, Weights } from './weights';

/**
 * Inputs of a panel after which its group's next panel is computed. Each panel is a stream from memory that
 * the processor goes on fetching during the other panels' turns; one stream alone is half as fast.
 */
const RUN: usize = 16;

/** Panels of bf16 times a few rows; each strip widens the weights anew. Arguments as those of a matmul. */
export function fewRows(
  strips: usize,
  rows: usize,
  numStrips: usize,
  inputs: usize,
  leaves: usize,
  panels: usize,
  first: usize,
  last: usize,
  y: usize,
  outputs: usize,
  scratch: usize,
): void {
  const leafLength = (inputs + leaves - 1) / leaves;
  const most = panelsOfGroup(numStrips);
  for (let n = first; n < last; n += most) {
    const numPanels = min<usize>(most, last - n);
    // Too little is computed for one strip to fetch other panels meanwhile: the next leaf, which follows in
    // memory except after the matrix's last, is fetched during this one.
    const isOneStrip = numStrips === 1;
    const ahead = isOneStrip && (n + 1) * PANEL < outputs ? leafLength * Weights.stride<BF16>() : 0;
    const run = isOneStrip ? leafLength : RUN;
    sumGroup(strips, rows, numStrips, inputs, leafLength, leaves, panels, n, numPanels, run, ahead, scratch);
    for (let i: usize = 0; i < numPanels; i++) {
      storeRows(scratch + i * numStrips * TILE_BYTES, rows, numStrips, leaves, y, n + i, outputs);
    }
  }
}

/** Panels that are computed in turn: the sums of a leaf of all tiles, 16 at most, stay in the first cache. */
function panelsOfGroup(numStrips: usize): usize {
  if (numStrips === 1) return 1;
  if (numStrips <= 3) return 8;
  return numStrips <= 4 ? 4 : 2;
}

/** Computes all leaves of the tiles of a group, [numPanels, numStrips], into `tiles`. */
function sumGroup(
  strips: usize,
  rows: usize,
  numStrips: usize,
  inputs: usize,
  leafLength: usize,
  leaves: usize,
  panels: usize,
  n: usize,
  numPanels: usize,
  run: usize,
  ahead: usize,
  tiles: usize,
): void {
  const panelBytes = inputs * Weights.stride<BF16>();
  const panel = panels + n * panelBytes;
  const base = rows / numStrips;
  const extra = rows % numStrips;
  const end = tiles + numPanels * numStrips * TILE_BYTES;
  for (let leaf: usize = 0; leaf < leaves; leaf++) {
    const from = min(leaf * leafLength, inputs);
    const to = min(from + leafLength, inputs);
    const first = tiles + leaf * LEAF_BYTES;
    for (let sums = first; sums < end; sums += TILE_BYTES) memory.fill(sums, 0, LEAF_BYTES);
    for (let at = from; at < to; at += run) {
      const stop = min(at + run, to);
      let w = panel + at * Weights.stride<BF16>();
      let sums = first;
      for (let i: usize = 0; i < numPanels; i++) {
        let x = strips;
        for (let strip: usize = 0; strip < numStrips; strip++) {
          const width = base + <usize>(strip < extra);
          sumPanelBF16(width, x + at * width * 4, x + stop * width * 4, w, ahead, sums);
          x += width * inputs * 4;
          sums += TILE_BYTES;
        }
        w += panelBytes;
      }
    }
  }
}
