import { PANEL, TILE_ROWS, UNIT_QUERIES } from '../sizes';
import { QueryStrip } from './units';
import { ValueRun } from './value-tile';

/** Bytes of the sums of a tile, f32 [TILE_ROWS, 16]. */
const SUMS_BYTES: usize = TILE_ROWS * PANEL * sizeof<f32>();

// Where things lie in a thread's scratch memory behind the table of a unit's strips: the denominators of its
// queries; the run of values being added; the sums of one tile of scores; the queries, f32 [strips][headDim]
// [width]; then the sums of the values, f32 [strips][headDim / 16][width][16].
export const DENOMINATORS: usize = UNIT_QUERIES * offsetof<QueryStrip>();
export const VALUE_RUN: usize = DENOMINATORS + UNIT_QUERIES * sizeof<f32>();
export const SCORE_SUMS: usize = VALUE_RUN + offsetof<ValueRun>();
export const STRIPPED: usize = SCORE_SUMS + SUMS_BYTES;
