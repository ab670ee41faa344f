/**
 * A float in decimals, rounded half to even from its exact value as Python does; `toFixed` rounds half up.
 *
 * @param value finite.
 * @param digits after the point; negative ones round tens, hundreds and so on.
 * @returns the rounded value times 10 to the power of `digits`.
 */
export function scaledHalfEven(value: number, digits: number): bigint {
  const [numerator, denominator] = exactFraction(Math.abs(value));
  const scale = 10n ** BigInt(Math.abs(digits));
  const [n, d] = digits >= 0 ? [numerator * scale, denominator] : [numerator, denominator * scale];
  const floor = n / d;
  const twice = (n % d) * 2n;
  const isUp = twice > d || (twice === d && floor % 2n === 1n);
  const rounded = isUp ? floor + 1n : floor;
  return value < 0 ? -rounded : rounded;
}

/** `'%.*f' % (digits, value)` for a finite value. */
export function fixed(value: number, digits: number): string {
  const rounded = scaledHalfEven(value, digits);
  const text = (rounded < 0n ? -rounded : rounded).toString().padStart(digits + 1, '0');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const point = text.length - digits;
  return sign + text.slice(0, point) + (digits > 0 ? `.${text.slice(point)}` : '');
}

/** The fraction that a finite float is. */
function exactFraction(value: number): [bigint, bigint] {
  let denominator = 1n;
  let numerator = value;
  // Doubling is exact until the fraction is a whole number; 1,074 times for the smallest float.
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    denominator *= 2n;
  }
  return [BigInt(numerator), denominator];
}
