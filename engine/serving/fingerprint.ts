import { createHash, type Hash } from 'node:crypto';
import { endianness } from 'node:os';

/**
 * Logits on their way into a hash, which refuses memory that is shared between threads. A copy of the whole
 * row for every token would have the garbage collector mark the heap, tokenizer and all, every few steps.
 */
const part = new Float32Array(16_384);
const partBytes = Buffer.from(part.buffer);

/**
 * SHA-256 over the logits that each token was chosen from, as little-endian f32, in order. Two requests with
 * the same fingerprint had the same bits at every step.
 */
export class Fingerprint {
  readonly #hash: Hash = createHash('sha256');

  /** @param logits f32 [vocabSize] */
  add(logits: Float32Array): void {
    for (let begin = 0; begin < logits.length; begin += part.length) {
      const values = logits.subarray(begin, begin + part.length);
      part.set(values);
      const bytes = partBytes.subarray(0, values.byteLength);
      this.#hash.update(endianness() === 'LE' ? bytes : bytes.swap32());
    }
  }

  /** @returns 64 hexadecimal digits. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
