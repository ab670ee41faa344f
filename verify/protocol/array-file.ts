import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { SubjectError } from '../errors.ts';
import { NPY_PREFIX_BYTES, npyHeaderBytes, parseNpyHeader } from './npy.ts';
import { floatsOf, integersOf, STORED_BYTES, type StoredDtype } from './numbers.ts';

/** A header that claims more is not one of an array. */
const MAX_NPY_HEADER_BYTES = 2 ** 20;
/** An array of an answer takes no more: 2 GiB are 5,000 rows of Qwen3's vocabulary in f32. */
const MAX_ARRAY_BYTES = 2 ** 31;

/** An array in a file whose header was read and checked; its elements are read when they are asked for. */
export interface ArrayFile {
  readonly shape: readonly number[];
  /** @throws SubjectError if the elements are not floats, or the file has changed. */
  floats(): Float32Array;
  /** @throws SubjectError if the elements are not integers, or do not fit 32 bits. */
  integers(): Int32Array;
}

/**
 * Opens a `.npy` file, or a tensor of a `.safetensors` file.
 *
 * @param tensor only for `.safetensors`; may be left out if the file has one tensor.
 * @throws SubjectError if the file cannot be read, is malformed or truncated, or has no such tensor.
 */
export function openArrayFile(path: string, tensor?: string): ArrayFile {
  const what = tensor === undefined ? path : `${path}, tensor "${tensor}"`;
  return named(what, () => {
    const extension = extname(path);
    if (extension === '.safetensors') return openTensor(what, path, tensor);
    if (extension !== '.npy') throw new Error('expected a file whose name ends in .npy or .safetensors');
    if (tensor !== undefined) throw new Error('a .npy file has no named tensors');
    return openNpy(path);
  });
}

/** The names of the tensors of a `.safetensors` file. @throws SubjectError if it cannot be read. */
export function tensorNames(path: string): string[] {
  return named(path, () => {
    const file = SafetensorsFile.open(path);
    file.close();
    return [...file.tensors.keys()];
  });
}

function openTensor(what: string, path: string, tensor: string | undefined): ArrayFile {
  const file = SafetensorsFile.open(path);
  file.close();
  const names = [...file.tensors.keys()];
  const name = tensor ?? (names.length === 1 ? names[0] : undefined);
  const info = name === undefined ? undefined : file.tensors.get(name);
  if (name === undefined || !info) {
    throw new Error(`has the tensors ${names.join(', ') || '(none)'}; expected ${tensor ?? 'exactly one'}`);
  }
  const { dtype, shape } = info;
  if (!Object.hasOwn(STORED_BYTES, dtype)) {
    throw new Error(`has elements ${dtype}; expected ${Object.keys(STORED_BYTES).join(', ')}`);
  }
  const read = () => {
    const opened = SafetensorsFile.open(path);
    try {
      return opened.read(name);
    } finally {
      opened.close();
    }
  };
  return arrayFile({ what, dtype: dtype as StoredDtype, shape, read });
}

function openNpy(path: string): ArrayFile {
  const fd = openSync(path, 'r');
  try {
    const headerBytes = npyHeaderBytes(readBytes(fd, 0, NPY_PREFIX_BYTES));
    if (headerBytes > MAX_NPY_HEADER_BYTES) throw new Error(`has a header of ${headerBytes} bytes`);
    const { dtype, shape, begin } = parseNpyHeader(readBytes(fd, 0, headerBytes));
    const bytes = sizeOf(shape) * STORED_BYTES[dtype];
    const found = fstatSync(fd).size - begin;
    if (found !== bytes) {
      throw new Error(`has ${found} bytes of elements; ${dtype} [${shape.join(', ')}] takes ${bytes}`);
    }
    const read = () => {
      const opened = openSync(path, 'r');
      try {
        return readBytes(opened, begin, bytes);
      } finally {
        closeSync(opened);
      }
    };
    return arrayFile({ what: path, dtype, shape, read });
  } finally {
    closeSync(fd);
  }
}

function arrayFile({
  what,
  dtype,
  shape,
  read,
}: {
  what: string;
  dtype: StoredDtype;
  shape: readonly number[];
  read: () => Uint8Array;
}): ArrayFile {
  const bytes = sizeOf(shape) * STORED_BYTES[dtype];
  if (bytes > MAX_ARRAY_BYTES) throw new Error(`takes ${bytes} bytes; at most ${MAX_ARRAY_BYTES} are read`);
  return {
    shape,
    floats: () => named(what, () => floatsOf(read(), dtype)),
    integers: () => named(what, () => integersOf(read(), dtype)),
  };
}

/** Elements of an array of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function readBytes(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, bytes, done, Math.min(length - done, 2 ** 30), position + done);
    if (count === 0) throw new Error(`ends after ${position + done} bytes; it is truncated`);
    done += count;
  }
  return bytes;
}

/** Any problem of a file is a SubjectError: the engine has written the file. */
function named<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof SubjectError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new SubjectError(code ? `cannot read ${what} (${code})` : `${what}: ${message}`, { cause });
  }
}
