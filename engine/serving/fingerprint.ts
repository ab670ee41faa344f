import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';

/**
 * SHA-256 over the logits that each token was chosen from, as little-endian f32, in order. Two requests with
 * the same fingerprint had the same bits at every step.
 */
export class Fingerprint {
  readonly #hash: Hash = createHash('sha256');

  /** @param logits f32 [vocabSize] */
  add(logits: Float32Array): void {
    // A copy: the hash refuses memory that is shared between threads.
    const bytes = Buffer.from(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
    this.#hash.update(endianness() === 'LE' ? bytes : bytes.swap32());
  }

  /** @returns 64 hexadecimal digits. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
