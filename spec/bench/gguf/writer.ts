import { randomUUID } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { type GGUFTypedMetadata, GGUFValueType, serializeGgufMetadata } from '@huggingface/gguf';
import { temporary } from '../../../engine/terminal/temporary.ts';

/** What a GGUF file knows of its model, by the names of the format. */
export type GgufMetadata = Record<string, GgufValue>;
export type GgufValue =
  | { type: GGUFValueType.UINT32 | GGUFValueType.FLOAT32; value: number }
  | { type: GGUFValueType.STRING; value: string }
  | { type: GGUFValueType.BOOL; value: boolean }
  | { type: GGUFValueType.ARRAY; subType: GGUFValueType.STRING; value: string[] }
  | { type: GGUFValueType.ARRAY; subType: GGUFValueType.INT32; value: number[] };

/** Types of tensors, by GGML's numbers. */
export const GGML_TYPES = { F32: 0, F16: 1, BF16: 30 } as const;

/** A tensor to be written; its bytes are asked for when their turn comes, and not kept. */
export interface GgufTensor {
  name: string;
  /** As HuggingFace has it, outermost first. */
  shape: readonly number[];
  type: keyof typeof GGML_TYPES;
  bytes: () => Uint8Array;
}

/** Tensors begin at multiples of it, counted from the beginning of the data. The format's default. */
const ALIGNMENT = 32;

/**
 * Writes a GGUF file, version 3, under a temporary name and renames it: header, tensors' descriptions, data.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws RangeError if a tensor's bytes are not as many as its shape and type take; nothing is left behind.
 */
export async function writeGguf(
  path: string,
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const unfinished = temporary(`${path}.${randomUUID()}.tmp`);
  try {
    const fd = openSync(unfinished.path, 'w');
    try {
      writeFully(fd, header(metadata, tensors));
      for (const tensor of tensors) writeTensor(fd, tensor);
    } finally {
      closeSync(fd);
    }
    await rename(unfinished.path, path);
  } finally {
    unfinished.remove();
  }
}

function header(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Uint8Array {
  const typed = {
    version: { value: 3, type: GGUFValueType.UINT32 },
    tensor_count: { value: BigInt(tensors.length), type: GGUFValueType.UINT64 },
    kv_count: { value: BigInt(Object.keys(metadata).length), type: GGUFValueType.UINT64 },
    ...metadata,
  } as GGUFTypedMetadata;
  const parts: Uint8Array[] = [serializeGgufMetadata(typed, { alignment: 1 })];
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(description(tensor, offset));
    offset += padded(byteLength(tensor));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(padded(length));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Name, dimensions (innermost first), type and offset. */
function description({ name, shape, type }: GgufTensor, offset: number): Uint8Array {
  const label = new TextEncoder().encode(name);
  const bytes = new Uint8Array(8 + label.length + 4 + 8 * shape.length + 4 + 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(label.length), true);
  bytes.set(label, 8);
  let at = 8 + label.length;
  view.setUint32(at, shape.length, true);
  at += 4;
  for (const size of shape.toReversed()) {
    view.setBigUint64(at, BigInt(size), true);
    at += 8;
  }
  view.setUint32(at, GGML_TYPES[type], true);
  view.setBigUint64(at + 4, BigInt(offset), true);
  return bytes;
}

function writeTensor(fd: number, tensor: GgufTensor): void {
  const bytes = tensor.bytes();
  const expected = byteLength(tensor);
  if (bytes.length !== expected) {
    throw new RangeError(
      `${tensor.name}: ${tensor.type} [${tensor.shape.join(', ')}] takes ${expected} bytes; ${bytes.length} were given`,
    );
  }
  writeFully(fd, bytes);
  writeFully(fd, new Uint8Array(padded(expected) - expected));
}

function byteLength({ shape, type }: GgufTensor): number {
  return shape.reduce((product, size) => product * size, type === 'F32' ? 4 : 2);
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}
