/** Bytes of the message that tells another rank of a failure: JSON, filled up with spaces. */
export const FAILURE_BYTES = 4096;
/** A character of a message takes up to six bytes in JSON. */
const MAX_MESSAGE = FAILURE_BYTES / 8;

/** Why a group has failed. */
export interface Failure {
  readonly message: string;
  /** The ranks at fault. */
  readonly ranks: readonly number[];
}

/** @returns uint8 [FAILURE_BYTES]; the end of a long message is cut off. */
export function encodeFailure({ message, ranks }: Failure): Uint8Array {
  const text = JSON.stringify({ message: message.slice(0, MAX_MESSAGE), ranks });
  const bytes = new Uint8Array(FAILURE_BYTES).fill(' '.charCodeAt(0));
  bytes.set(Buffer.from(text));
  return bytes;
}

export function decodeFailure(bytes: Uint8Array): Failure {
  return JSON.parse(Buffer.from(bytes).toString());
}
