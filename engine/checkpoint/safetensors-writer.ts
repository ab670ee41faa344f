import { closeSync, openSync, writeSync } from 'node:fs';
import { CheckpointError, FileError, show } from '../errors.ts';
import { type OutputTarget, outputTarget } from '../terminal/output-target.ts';
import { DTYPE_BYTES } from './safetensors.ts';

/** The only key of a header that is not a tensor. */
const METADATA_KEY = '__metadata__';

/** A tensor to write: its bytes little-endian, row-major. */
export interface TensorData {
  dtype: string;
  shape: readonly number[];
  data: ArrayBufferView;
}

/** A tensor to write whose bytes may be made only when they are written, so that few exist at a time. */
export interface LateTensorData extends Omit<TensorData, 'data'> {
  data: ArrayBufferView | (() => ArrayBufferView);
}

/**
 * Writes a safetensors file so that no half-written file is ever visible, see {@link outputTarget}. The
 * same tensors give the same bytes: names are sorted as by the reference implementation, widest dtype
 * first.
 *
 * @throws CheckpointError if a shape does not fit its bytes, a dtype is unknown, or a tensor has the name
 * that the format reserves.
 * @throws FileError if the file cannot be written; also what a function of a tensor's bytes throws. Nothing
 * is left behind.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, LateTensorData>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const writing = writingSafetensors(path, tensors, metadata);
  while (!writing.next().done);
}

/**
 * {@link writeSafetensors} in steps, for callers that do something else between two tensors. Ended early, it
 * leaves nothing behind.
 *
 * @returns yields the name of each tensor that has been written, in the order of the file.
 */
export function* writingSafetensors(
  path: string,
  tensors: ReadonlyMap<string, LateTensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<string, void> {
  const { order, header } = safetensorsLayout(tensors, metadata);
  let target: OutputTarget | undefined;
  try {
    target = outputTarget(path);
    const fd = openSync(target.path, 'w');
    try {
      writeFully(fd, header);
      for (const name of order) {
        writeTensor(fd, name, tensors.get(name)!);
        yield name;
      }
    } finally {
      closeSync(fd);
    }
    target.commit();
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (syscall === undefined) throw cause;
    throw new FileError(`cannot write ${path} (${code})`, { cause });
  } finally {
    target?.discard();
  }
}

/** Offsets of everything in a safetensors file. */
export interface SafetensorsLayout {
  /** The names of the tensors in the order of the file. */
  order: string[];
  /** The bytes before the first tensor. */
  header: Uint8Array;
  /** The offset of each tensor, in bytes from the beginning of the file. */
  begins: Map<string, number>;
  /** Bytes of the whole file. */
  bytes: number;
}

/** A tensor with or without its bytes. */
type Placed = Pick<TensorData, 'dtype' | 'shape'> & Partial<LateTensorData>;

/**
 * The layout of a file as {@link writeSafetensors} writes it, for callers that write its parts in another
 * order.
 *
 * @throws CheckpointError as it does.
 */
export function safetensorsLayout(
  tensors: ReadonlyMap<string, Placed>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const inOrder = [...tensors].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => DTYPE_BYTES[y] - DTYPE_BYTES[x] || (a < b ? -1 : 1),
  );
  // Without a prototype a tensor may even be called "__proto__".
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header[METADATA_KEY] = metadata;
  const begins = new Map<string, number>();
  let position = 0;
  for (const [name, tensor] of inOrder) {
    const { dtype, shape, data } = tensor;
    if (name === METADATA_KEY)
      throw new CheckpointError(`the format reserves the name "${METADATA_KEY}"; give the tensor another`);
    if (!Object.hasOwn(DTYPE_BYTES, dtype)) {
      throw new CheckpointError(`tensor ${show(name)} has the unknown dtype ${show(dtype)}`);
    }
    if (data && typeof data !== 'function') checkLength(name, tensor, data);
    const bytes = bytesOf(tensor);
    header[name] = { dtype, shape, data_offsets: [position, position + bytes] };
    begins.set(name, position);
    position += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The data begins at a multiple of 8; the header is padded with spaces.
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  for (const [name, begin] of begins) begins.set(name, bytes.byteLength + begin);
  return {
    order: inOrder.map(([name]) => name),
    header: bytes,
    begins,
    bytes: bytes.byteLength + position,
  };
}

function bytesOf({ dtype, shape }: Placed): number {
  return shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
}

function checkLength(name: string, tensor: Placed, { byteLength }: ArrayBufferView): void {
  const expected = bytesOf(tensor);
  if (byteLength === expected) return;
  const { dtype, shape } = tensor;
  throw new CheckpointError(
    `tensor ${show(name)}: ${dtype} [${shape.join(', ')}] takes ${expected} bytes; found ${byteLength}`,
  );
}

/** A separate function, so that these bytes can be collected while the next ones are made. */
function writeTensor(fd: number, name: string, tensor: LateTensorData): void {
  const data = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
  checkLength(name, tensor, data);
  writeFully(fd, data);
}

function writeFully(fd: number, data: ArrayBufferView): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(fd, bytes, done, Math.min(bytes.byteLength - done, 2 ** 30));
  }
}
