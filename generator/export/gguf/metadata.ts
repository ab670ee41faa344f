/** The types of a GGUF file's values, by the format's numbers. */
export const GGUF_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

/** A value of a GGUF file's metadata. */
export type GgufValue =
  | { type: 'uint32' | 'float32'; value: number }
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'int32s'; value: readonly number[] };

/** What a GGUF file knows of its model, by the names of the format. */
export type GgufMetadata = Readonly<Record<string, GgufValue>>;

export const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
export const float32 = (value: number): GgufValue => ({ type: 'float32', value });
export const string = (value: string): GgufValue => ({ type: 'string', value });

/** The metadata as bytes: for each its name, its type and its value. */
export function encodeMetadata(metadata: GgufMetadata): Uint8Array[] {
  return Object.entries(metadata).flatMap(([key, value]) => [encodeString(key), ...encodeValue(value)]);
}

function encodeValue(value: GgufValue): Uint8Array[] {
  switch (value.type) {
    case 'uint32':
      return [encodeUint32s(GGUF_TYPES.uint32, value.value)];
    case 'float32':
      return [encodeUint32s(GGUF_TYPES.float32), new Uint8Array(Float32Array.of(value.value).buffer)];
    case 'string':
      return [encodeUint32s(GGUF_TYPES.string), encodeString(value.value)];
    case 'bool':
      return [encodeUint32s(GGUF_TYPES.bool), Uint8Array.of(Number(value.value))];
    case 'strings':
      return [...arrayHead(GGUF_TYPES.string, value.value.length), encodeStrings(value.value)];
    case 'int32s':
      return [
        ...arrayHead(GGUF_TYPES.int32, value.value.length),
        new Uint8Array(Int32Array.from(value.value).buffer),
      ];
  }
}

function arrayHead(elementType: number, length: number): Uint8Array[] {
  return [encodeUint32s(GGUF_TYPES.array, elementType), encodeUint64s(length)];
}

/** A string as GGUF has it: the length of its UTF-8 as u64, then the bytes. */
export function encodeString(text: string): Uint8Array {
  return encodeStrings([text]);
}

/** Strings one after another. A vocabulary and its merges are 300,000 of them: an array for each is slow. */
function encodeStrings(texts: readonly string[]): Uint8Array {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.alloc(lengths.reduce((sum, length) => sum + 8 + length, 0));
  let at = 0;
  texts.forEach((text, i) => {
    // The upper half of the u64 stays 0: a string is shorter than 4 GiB.
    bytes.writeUInt32LE(lengths[i], at);
    bytes.write(text, at + 8);
    at += 8 + lengths[i];
  });
  return bytes;
}

export function encodeUint32s(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

export function encodeUint64s(...values: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
}
