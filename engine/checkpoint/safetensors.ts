import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CheckpointError, show } from '../errors.ts';
import { lfsPointer } from '../terminal/git-lfs.ts';
import { describeCode } from '../terminal/shortage.ts';
import { duplicateKey } from './json-keys.ts';

/** Bytes an element takes, by the names of the safetensors format. */
export const DTYPE_BYTES: Readonly<Record<string, number>> = Object.freeze({
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
});

/** The format's own limit: a longer header is an attack or not a safetensors file. */
const MAX_HEADER_BYTES = 100_000_000;

/** One tensor of a safetensors file. */
export interface TensorInfo {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Absolute offset in the file of the first byte, and of the byte after the last. */
  readonly begin: number;
  readonly end: number;
}

/**
 * A safetensors file whose header has been read and checked; tensors are read on demand.
 * Format: https://github.com/huggingface/safetensors (8 bytes of header length, JSON header, data).
 */
export class SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Undefined when closed: the system reuses the number for the next file that is opened. */
  #fd: number | undefined;

  private constructor(path: string, fd: number, header: Header) {
    this.path = path;
    this.#fd = fd;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }

  /**
   * @throws CheckpointError if the file cannot be read, is truncated, or its header breaks a rule of the
   * format: not JSON in UTF-8, duplicate names, unknown dtypes, shapes that do not fit their bytes, gaps or
   * overlaps.
   */
  static open(path: string): SafetensorsFile {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (cause) {
      throw new CheckpointError(`cannot open ${path} (${describeCode(cause)})`, {
        cause,
      });
    }
    try {
      return new SafetensorsFile(path, fd, readHeader(fd, path));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * @returns the tensor's bytes, little-endian, row-major.
   * @throws CheckpointError if there is no such tensor or the file has been closed.
   */
  read(name: string): Uint8Array {
    const { begin, end } = this.#info(name);
    const bytes = new Uint8Array(end - begin);
    readFully(this.#openFd(), bytes, begin, this.path);
    return bytes;
  }

  /**
   * Fills `target` with the tensor's bytes from `offset` on.
   *
   * @throws CheckpointError if there is no such tensor, it ends before, or the file has been closed.
   */
  readInto(name: string, offset: number, target: Uint8Array): void {
    const { begin, end } = this.#info(name);
    if (offset < 0 || begin + offset + target.byteLength > end) {
      throw new CheckpointError(
        `${this.path}: tensor ${show(name)} has ${end - begin} bytes; cannot read ${target.byteLength} at ${offset}`,
      );
    }
    readFully(this.#openFd(), target, begin + offset, this.path);
  }

  /** Closes the file; a second call does nothing. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #openFd(): number {
    if (this.#fd === undefined) throw new CheckpointError(`${this.path}: has been closed`);
    return this.#fd;
  }

  #info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (!info) throw new CheckpointError(`${this.path}: there is no tensor ${show(name)}`);
    return info;
  }
}

interface Header {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

function readHeader(fd: number, path: string): Header {
  const fail = (problem: string): never => {
    throw new CheckpointError(`${path}: not a valid safetensors file: ${problem}`);
  };
  const stat = fstatSync(fd);
  if (!stat.isFile()) fail('it is not a regular file');
  if (stat.size < 8) fail(`it has ${stat.size} bytes, and the header's length alone takes 8`);
  const length = new Uint8Array(8);
  readFully(fd, length, 0, path);
  const beginning = new Uint8Array(Math.min(stat.size, 64));
  readFully(fd, beginning, 0, path);
  const pointer = lfsPointer(beginning);
  if (pointer !== undefined) fail(pointer);
  const headerBytes = new DataView(length.buffer).getBigUint64(0, true);
  if (headerBytes > MAX_HEADER_BYTES)
    fail(`the header claims ${headerBytes} bytes; at most ${MAX_HEADER_BYTES} are allowed`);
  const dataBegin = 8 + Number(headerBytes);
  if (dataBegin > stat.size) {
    fail(
      `the header claims ${headerBytes} bytes, but the file ends after ${stat.size - 8} of them; it is truncated`,
    );
  }
  const bytes = new Uint8Array(Number(headerBytes));
  readFully(fd, bytes, 8, path);
  try {
    return parseHeader(bytes, dataBegin, stat.size);
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** @throws Error that says which rule of the format is broken. */
function parseHeader(bytes: Uint8Array, dataBegin: number, fileSize: number): Header {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error('the header is not UTF-8');
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`the header is not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(json)) throw new Error('the header is not a JSON object');
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw new Error(`the header has the key ${show(duplicate)} twice`);
  const { __metadata__, ...entries } = json;
  // mlx writes null where a file has no metadata.
  const metadata = __metadata__ ?? {};
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new Error('__metadata__ is not a map of strings');
  }
  const tensors = new Map<string, TensorInfo>();
  for (const [name, entry] of Object.entries(entries)) tensors.set(name, parseEntry(name, entry, dataBegin));
  checkCoverage(tensors, dataBegin, fileSize);
  return { tensors, metadata: metadata as Record<string, string> };
}

function parseEntry(name: string, entry: unknown, dataBegin: number): TensorInfo {
  if (!isRecord(entry)) throw new Error(`the entry of ${show(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new Error(`${show(name)} has the unknown dtype ${show(dtype)}`);
  }
  if (!isSizes(shape)) throw new Error(`${show(name)} has the shape ${show(shape)}; expected whole numbers`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw new Error(`${show(name)} has data_offsets ${show(offsets)}; expected [begin, end]`);
  }
  const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (expected !== offsets[1] - offsets[0]) {
    throw new Error(
      `${show(name)}, ${dtype} [${shape.join(', ')}], takes ${expected} bytes but has ${offsets[1] - offsets[0]}`,
    );
  }
  return { dtype, shape, begin: dataBegin + offsets[0], end: dataBegin + offsets[1] };
}

/** Every byte of the data belongs to exactly one tensor. */
function checkCoverage(tensors: Map<string, TensorInfo>, dataBegin: number, fileSize: number): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = dataBegin;
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== position) {
      const what = begin < position ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new Error(
        `${show(name)} ${what}: it begins at ${begin - dataBegin}, expected ${position - dataBegin}`,
      );
    }
    position = end;
  }
  if (position !== fileSize) {
    const what = position > fileSize ? 'is truncated' : 'has bytes that belong to no tensor';
    throw new Error(
      `the file ${what}: ${fileSize - dataBegin} bytes of data, expected ${position - dataBegin}`,
    );
  }
}

function readFully(fd: number, target: Uint8Array, position: number, path: string): void {
  // One read call returns at most 2 GiB.
  for (let done = 0; done < target.byteLength; ) {
    const count = readSync(fd, target, done, Math.min(target.byteLength - done, 2 ** 30), position + done);
    if (count === 0)
      throw new CheckpointError(`${path}: ends at ${position + done}; it changed while being read`);
    done += count;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
