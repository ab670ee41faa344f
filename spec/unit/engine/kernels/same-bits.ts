const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function describe(value: number): string {
  float[0] = value;
  return `${value} (0x${bits[0].toString(16).padStart(8, '0')})`;
}

/** The sizes that say where a value of a forward pass lies. */
interface Widths {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
}

/** What a forward pass gives: f32 [positions, vocabSize] and [stages, positions, hiddenSize]. */
interface Forwarded {
  readonly logits: Float32Array;
  readonly hidden?: Float32Array;
}

/**
 * The first difference of two forward passes in the order of computing, with its stage, position and index.
 *
 * @returns likewise.
 */
export function forwardDifference(
  { vocabSize, hiddenSize, numHiddenLayers }: Widths,
  actual: Forwarded,
  expected: Forwarded,
): string | undefined {
  const within = (width: number, index: number) =>
    `position ${Math.floor(index / width)}, index ${index % width}`;
  if (actual.hidden && expected.hidden) {
    const stage = expected.hidden.length / (numHiddenLayers + 2);
    const difference = bitDifference(
      actual.hidden,
      expected.hidden,
      (at) => `hidden state ${Math.floor(at / stage)}, ${within(hiddenSize, at % stage)}`,
    );
    if (difference !== undefined) return difference;
  }
  return bitDifference(actual.logits, expected.logits, (at) => `logits, ${within(vocabSize, at)}`);
}

/**
 * The first place where two arrays are not the same bits; all NaNs count as the same.
 *
 * @param place names an index.
 * @returns a sentence for an assertion's message, or undefined if the arrays are the same.
 */
export function bitDifference<A extends Float32Array | Uint8Array>(
  actual: A,
  expected: A,
  place = (index: number) => `at ${index}`,
): string | undefined {
  if (actual.length !== expected.length) return `length ${actual.length}, expected ${expected.length}`;
  // Object.is distinguishes −0 from 0 and takes NaNs as equal; for all else, equal numbers are equal bits.
  const at = actual.findIndex((value: number, i: number) => !Object.is(value, expected[i]));
  return at < 0 ? undefined : `${place(at)}: ${describe(actual[at])}, expected ${describe(expected[at])}`;
}
