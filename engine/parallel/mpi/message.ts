import { KINDS, type Kind } from '../transport.ts';

/** A tag is the kind and the number of the message modulo this; MPI guarantees tags up to 32 767. */
const COUNTED = 2048;
/** The largest message of an MPI call with an int count. */
const MAX_BYTES = 2 ** 31 - 1;

/** The tag of a message. @param count how many went the same way before it. */
export function tagOf(kind: Kind, count: number): number {
  return KINDS.indexOf(kind) * COUNTED + (count % COUNTED);
}

/** The kind of a message, by its tag; undefined if it is none of ours. */
export function kindOf(tag: number): Kind | undefined {
  return KINDS[Math.floor(tag / COUNTED)];
}

/** @throws RangeError if MPI cannot send or receive so many bytes at once. */
export function checkLength({ length }: { readonly length: number }): void {
  if (length > MAX_BYTES)
    throw new RangeError(`A message of ${length} bytes is more than MPI's ${MAX_BYTES}`);
}
