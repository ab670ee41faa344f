const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function describe(value: number): string {
  float[0] = value;
  return `${value} (0x${bits[0].toString(16).padStart(8, '0')})`;
}

/**
 * The first place where two arrays are not the same bits; all NaNs count as the same.
 *
 * @returns a sentence for an assertion's message, or undefined if the arrays are the same.
 */
export function bitDifference<A extends Float32Array | Uint8Array>(
  actual: A,
  expected: A,
): string | undefined {
  if (actual.length !== expected.length) return `length ${actual.length}, expected ${expected.length}`;
  // Object.is distinguishes −0 from 0 and takes NaNs as equal; for all else, equal numbers are equal bits.
  const at = actual.findIndex((value: number, i: number) => !Object.is(value, expected[i]));
  return at < 0 ? undefined : `at ${at}: ${describe(actual[at])}, expected ${describe(expected[at])}`;
}
