import { closeSync, openSync, writeSync } from 'node:fs';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { FileError } from '../../../engine/errors.ts';
import { type OutputTarget, outputTarget } from '../../../engine/terminal/output-target.ts';
import { byteLength, GGML_TYPES, type GgmlType } from './encode.ts';
import { encodeMetadata, encodeString, encodeUint32s, encodeUint64s, type GgufMetadata } from './metadata.ts';

/** A tensor to be written. */
export interface GgufTensor {
  name: string;
  /** As HuggingFace has it, outermost first. */
  shape: readonly number[];
  type: GgmlType;
  /** The tensor's bytes in parts, each made when its turn comes. */
  chunks: () => Iterable<Uint8Array>;
}

/** Called after each part, with the bytes of tensors that are written, and of all. */
export type WritingProgress = (done: number, total: number) => void;

/** "GGUF" in ASCII. */
const MAGIC = 0x46554747;
const VERSION = 3;
/** Tensors begin at multiples of it, counted from the beginning of the data. The format's default. */
const ALIGNMENT = 32;

/**
 * Writes a GGUF file, version 3, whole, see {@link outputTarget}: metadata, tensors' descriptions, data.
 * Signals are served between two parts. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws RangeError if a tensor's bytes are not as many as its shape and type take.
 * @throws FileError if the file cannot be written; nothing is left behind, also after an error of a
 * tensor's.
 */
export async function writeGguf(
  path: string,
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
  onProgress: WritingProgress = () => {},
): Promise<void> {
  const total = tensors.reduce((sum, { type, shape }) => sum + byteLength(type, shape), 0);
  let target: OutputTarget | undefined;
  try {
    target = outputTarget(path);
    const fd = openSync(target.path, 'w');
    try {
      writeFully(fd, header(metadata, tensors));
      let done = 0;
      for (const tensor of tensors) {
        for await (const bytes of writingTensor(fd, tensor)) {
          done += bytes;
          onProgress(done, total);
        }
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

/** @returns yields the length of each part that is written. */
async function* writingTensor(fd: number, { name, shape, type, chunks }: GgufTensor): AsyncGenerator<number> {
  const expected = byteLength(type, shape);
  let found = 0;
  for (const bytes of chunks()) {
    writeFully(fd, bytes);
    found += bytes.length;
    yield bytes.length;
    await eventLoop();
  }
  if (found !== expected) {
    throw new RangeError(
      `${name}: ${type} [${shape.join(', ')}] takes ${expected} bytes; ${found} were given`,
    );
  }
  writeFully(fd, new Uint8Array(padded(expected) - expected));
}

function header(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Uint8Array {
  const parts = [
    encodeUint32s(MAGIC, VERSION),
    encodeUint64s(tensors.length, Object.keys(metadata).length),
    ...encodeMetadata(metadata),
  ];
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    // Dimensions innermost first.
    parts.push(encodeString(name), encodeUint32s(shape.length), encodeUint64s(...shape.toReversed()));
    parts.push(encodeUint32s(GGML_TYPES[type].number), encodeUint64s(offset));
    offset += padded(byteLength(type, shape));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat(parts, padded(length));
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}
