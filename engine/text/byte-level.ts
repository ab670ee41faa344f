/**
 * The alphabet of byte-level BPE, GPT-2's `bytes_to_unicode`: every byte has one printable character, so
 * that a vocabulary can be written as text. Bytes 0x21–0x7E, 0xA1–0xAC and 0xAE–0xFF stand for themselves as
 * Latin-1; the other 68, in ascending order, take U+0100 and upwards (a space is `Ġ`, a line feed `Ċ`).
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

/** By UTF-16 unit, in which all characters of the alphabet are one; -1 for any other unit. */
const BYTE_OF_UNIT = byteOfUnit();

/**
 * The bytes that a token of the vocabulary stands for.
 *
 * @param token the token as the vocabulary spells it, e.g. `Ġworld`.
 * @returns its bytes; a token with a character outside the alphabet stands for its own UTF-8, as in the
 * Rust library's ByteLevel decoder.
 */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_UNIT[token.charCodeAt(i)] ?? -1;
    if (byte === -1) return new TextEncoder().encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

function byteCharacters(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

function byteOfUnit(): Int16Array {
  const units = BYTE_CHARACTERS.map((character) => character.charCodeAt(0));
  const bytes = new Int16Array(Math.max(...units) + 1).fill(-1);
  for (const [byte, unit] of units.entries()) bytes[unit] = byte;
  return bytes;
}
