/** Ids of sections (WebAssembly core specification 3.0, 5.5). */
const EXPORT_SECTION = 7;
export const CODE_SECTION = 10;
const HEADER_BYTES = 8;

/** Reads the bytes of a module from the front. */
export class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++];
  }

  /** LEB128, of which only unsigned ones of 32 bits are used as a value. */
  number(): number {
    let value = 0;
    let shift = 0;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte < 0x80) return value;
    }
  }
}

/** A reader at the contents of a section. @throws RangeError if the module has none of this id. */
export function sectionOf(wasm: Uint8Array, id: number): Reader {
  const reader = new Reader(wasm, HEADER_BYTES);
  while (reader.at < wasm.length) {
    const section = reader.byte();
    const length = reader.number();
    if (section === id) return reader;
    reader.at += length;
  }
  throw new RangeError(`the module has no section ${id}`);
}

/**
 * Where the code of an exported function lies.
 *
 * @param wasm a module that imports no function.
 * @throws RangeError if it exports no function of this name.
 */
export function bodyOf(wasm: Uint8Array, name: string): { begin: number; end: number } {
  const index = exportedFunction(wasm, name);
  const code = sectionOf(wasm, CODE_SECTION);
  code.number();
  for (let i = 0; i < index; i++) {
    const size = code.number();
    code.at += size;
  }
  const size = code.number();
  return { begin: code.at, end: code.at + size };
}

function exportedFunction(wasm: Uint8Array, name: string): number {
  const reader = sectionOf(wasm, EXPORT_SECTION);
  for (let exports = reader.number(); exports > 0; exports--) {
    const length = reader.number();
    const exported = Buffer.from(wasm.subarray(reader.at, reader.at + length)).toString();
    reader.at += length;
    const kind = reader.byte();
    const index = reader.number();
    if (exported === name && kind === 0) return index;
  }
  throw new RangeError(`the module exports no function ${name}`);
}
