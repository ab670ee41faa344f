import { type GroupFailure, KINDS, type Kind } from '../transport.ts';

/** A tag is the kind and the message's number modulo this; MPI guarantees tags up to 32 767. */
const NUMBERS = 2048;
/** The largest message of an MPI call with an int count. */
const MAX_BYTES = 2 ** 31 - 1;

/** Bytes of a message that carries a failure: JSON, padded with spaces. */
export const FAILURE_BYTES = 4096;
/** A UTF-16 unit of a failure's message takes at most six bytes in JSON. */
const MAX_FAILURE_MESSAGE = FAILURE_BYTES / 8;

/** The tag of a message. @param count number of messages sent to the same rank before. */
export function tagOf(kind: Kind, count: number): number {
  return KINDS.indexOf(kind) * NUMBERS + (count % NUMBERS);
}

/** The kind of a message, by its tag; undefined for a tag that {@link tagOf} does not return. */
export function kindOf(tag: number): Kind | undefined {
  return KINDS[Math.floor(tag / NUMBERS)];
}

/** @throws RangeError if MPI cannot send or receive this many bytes at once. */
export function checkLength({ length }: { readonly length: number }): void {
  if (length > MAX_BYTES)
    throw new RangeError(`A message of ${length} bytes is longer than MPI's limit of ${MAX_BYTES}`);
}

/** @returns uint8 [FAILURE_BYTES]; a long message is truncated. */
export function encodeFailure({ message, ranks }: GroupFailure): Uint8Array {
  const text = JSON.stringify({ message: message.slice(0, MAX_FAILURE_MESSAGE), ranks });
  const bytes = new Uint8Array(FAILURE_BYTES).fill(' '.charCodeAt(0));
  bytes.set(Buffer.from(text));
  return bytes;
}

/** @param bytes of {@link encodeFailure}. */
export function decodeFailure(bytes: Uint8Array): GroupFailure {
  return JSON.parse(Buffer.from(bytes).toString());
}
