import { TILE_ROWS } from '../sizes';

/**
 * Rows in strips, each of which a tile takes at once. Their widths differ by one at most, because a tile of
 * few rows computes slowly. Of a matmul,
 * ../../matmul-calls.ts decides how many there are.
 */
export class Strips {
  /** As few strips as possible. */
  @inline
  static count(rows: usize): usize {
    return (rows + TILE_ROWS - 1) / TILE_ROWS;
  }

  /** The rows of a strip. @param count of the strips */
  @inline
  static width(rows: usize, count: usize, strip: usize): usize {
    return rows / count + <usize>(strip < rows % count);
  }

  /** The first row of a strip. @param count of the strips */
  @inline
  static first(rows: usize, count: usize, strip: usize): usize {
    return strip * (rows / count) + min(strip, rows % count);
  }
}
