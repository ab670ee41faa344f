import type { StoredTensor } from '../../../engine/checkpoint/checkpoint.ts';
import { DTYPE_BYTES } from '../../../engine/checkpoint/safetensors.ts';
import type { WeightDtype } from '../../../engine/config.ts';

/** Bytes of a part that is read at once, unless a row has more. */
const CHUNK_BYTES = 2 ** 22;

/** A matrix, or a stack of them, as stored bytes row after row. */
export interface Rows {
  readonly dtype: WeightDtype;
  /** Outermost first. */
  readonly shape: readonly number[];
  /** Whole rows in each. */
  chunks(): Iterable<Uint8Array>;
}

/** A stored tensor of one or two dimensions. @param name as the checkpoint has it. */
export function storedRows({ file, info }: StoredTensor, name: string): Rows {
  const { shape } = info;
  const rowBytes = shape[shape.length - 1] * DTYPE_BYTES[info.dtype];
  const chunkBytes = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes)) * rowBytes;
  return {
    dtype: info.dtype as WeightDtype,
    shape,
    *chunks() {
      const bytes = info.end - info.begin;
      for (let offset = 0; offset < bytes; offset += chunkBytes) {
        const chunk = new Uint8Array(Math.min(chunkBytes, bytes - offset));
        file.readInto(name, offset, chunk);
        yield chunk;
      }
    },
  };
}

/** A matrix with rows of zeros below and columns of zeros to the right. @param shape the larger one. */
export function zeroPadded(rows: Rows, shape: readonly [height: number, width: number]): Rows {
  const { dtype } = rows;
  const [from, to] = [rows.shape[1], shape[1]].map((width) => width * DTYPE_BYTES[dtype]);
  return {
    dtype,
    shape,
    *chunks() {
      for (const chunk of rows.chunks()) yield from === to ? chunk : widened(chunk, from, to);
      const below = shape[0] - rows.shape[0];
      if (below > 0) yield new Uint8Array(below * to);
    },
  };
}

function widened(chunk: Uint8Array, from: number, to: number): Uint8Array {
  const height = chunk.length / from;
  const padded = new Uint8Array(height * to);
  for (let row = 0; row < height; row++) {
    padded.set(chunk.subarray(row * from, (row + 1) * from), row * to);
  }
  return padded;
}

/** Matrices of one shape and dtype as a tensor of three dimensions. */
export function stacked(matrices: readonly Rows[]): Rows {
  const [{ dtype, shape }] = matrices;
  return {
    dtype,
    shape: [matrices.length, ...shape],
    *chunks() {
      for (const matrix of matrices) yield* matrix.chunks();
    },
  };
}

/** Zeros of f32. */
export function zeros(shape: readonly number[]): Rows {
  const bytes = shape.reduce((product, size) => product * size, DTYPE_BYTES.F32);
  return { dtype: 'F32', shape, chunks: () => [new Uint8Array(bytes)] };
}
