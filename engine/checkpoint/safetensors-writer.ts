import { randomUUID } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { CheckpointError, FileError } from '../errors.ts';
import { DTYPE_BYTES } from './safetensors.ts';

/** The one key of a header that is no tensor. */
const METADATA_KEY = '__metadata__';

/** A tensor to be written: its bytes little-endian, row-major. */
export interface TensorData {
  dtype: string;
  shape: readonly number[];
  data: ArrayBufferView;
}

/**
 * Writes a safetensors file under a temporary name and renames it, so that no half of it is ever seen.
 * The same tensors give the same bytes: names are sorted as by the reference implementation, widest dtype first.
 *
 * @throws CheckpointError if a shape does not fit its bytes, a dtype is unknown, or a tensor has the name that the
 * format reserves.
 * @throws FileError if the file cannot be written; nothing is left behind.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const inOrder = [...tensors].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => DTYPE_BYTES[y] - DTYPE_BYTES[x] || (a < b ? -1 : 1),
  );
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const fd = openSync(temporary, 'w');
    try {
      writeFully(fd, headerBytes(inOrder, metadata));
      for (const [, { data }] of inOrder) writeFully(fd, data);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    if (cause instanceof CheckpointError) throw cause;
    throw new FileError(`${path}: cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

function headerBytes(
  tensors: [string, TensorData][],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  // Without a prototype a tensor may even be called "__proto__".
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header[METADATA_KEY] = metadata;
  let position = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    if (name === METADATA_KEY) throw new CheckpointError(`no tensor can be called "${METADATA_KEY}"`);
    if (!Object.hasOwn(DTYPE_BYTES, dtype)) {
      throw new CheckpointError(`tensor "${name}" has the unknown dtype "${dtype}"`);
    }
    const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    if (data.byteLength !== expected) {
      throw new CheckpointError(
        `tensor "${name}": ${dtype} [${shape.join(', ')}] takes ${expected} bytes, ${data.byteLength} were given`,
      );
    }
    header[name] = { dtype, shape, data_offsets: [position, position + expected] };
    position += expected;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The data begins at a multiple of 8; the header is padded with spaces.
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

function writeFully(fd: number, data: ArrayBufferView): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, Math.min(bytes.byteLength - done, 2 ** 30));
  }
}
