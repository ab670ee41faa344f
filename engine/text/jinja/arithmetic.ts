import { hold, holdText, MAX_TEXT, spend } from './budget.ts';
import { TemplateFailure } from './failure.ts';
import { formatPercent } from './percent.ts';
import { Tuple, toIndex, typeName, Undefined, type Value } from './values.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Bits of the longest int that `**` and `*` may make. */
const MAX_INT_BITS = 1 << 20;

/** @throws TemplateFailure as Python does for operands that do not isExact. */
export function arithmetic(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (left instanceof Undefined) left.fail();
  if (right instanceof Undefined) right.fail();
  const a = asNumber(left);
  const b = asNumber(right);
  if (a !== undefined && b !== undefined) {
    return typeof a === 'bigint' && typeof b === 'bigint' ? ofInts(operator, a, b) : ofFloats(operator, a, b);
  }
  if (operator === '+') {
    const sum = concatenation(left, right);
    if (sum !== undefined) return sum;
  }
  if (operator === '*') {
    const repeated = repetition(left, b) ?? repetition(right, a);
    if (repeated !== undefined) return repeated;
  }
  if (operator === '%' && typeof left === 'string') return formatPercent(left, right);
  throw new TemplateFailure(
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

/** A number or a boolean as the number that it is; undefined for anything else. */
export function asNumber(value: Value): bigint | number | undefined {
  if (typeof value === 'boolean') return BigInt(value);
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

function concatenation(left: Value, right: Value): Value | undefined {
  if (typeof left === 'string' && typeof right === 'string') return joinText(left, right);
  if (Array.isArray(left) && Array.isArray(right)) {
    hold(left.length + right.length);
    return [...left, ...right];
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    hold(left.items.length + right.items.length);
    return new Tuple([...left.items, ...right.items]);
  }
  return undefined;
}

/** Two strings in one; V8 does not copy them until they are read. */
export function joinText(left: string, right: string): string {
  // A node of V8's rope has 32 bytes. Only the length is checked: the characters exist already.
  hold(1);
  if (left.length + right.length > MAX_TEXT) holdText(left.length + right.length);
  return left + right;
}

function repetition(value: Value, count: bigint | number | undefined): Value | undefined {
  if (typeof count !== 'bigint') return undefined;
  const isSequence = typeof value === 'string' || Array.isArray(value) || value instanceof Tuple;
  if (!isSequence) return undefined;
  const times = count > 0n ? toIndex(count) : 0;
  if (typeof value === 'string') {
    holdText(value.length * times);
    return value.repeat(times);
  }
  const items = Array.isArray(value) ? value : value.items;
  hold(items.length * times);
  const repeated = Array.from({ length: times }, () => items).flat() as Value[];
  return Array.isArray(value) ? repeated : new Tuple(repeated);
}

function ofInts(operator: ArithmeticOperator, a: bigint, b: bigint): Value {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      checkBits(bits(a) + bits(b));
      return a * b;
    case '/':
      if (b === 0n) throw new TemplateFailure('division by zero');
      return quotient(a, b);
    case '//':
      if (b === 0n) throw new TemplateFailure('integer division or modulo by zero');
      return floorDivision(a, b);
    case '%':
      if (b === 0n) throw new TemplateFailure('integer modulo by zero');
      return a - floorDivision(a, b) * b;
    case '**':
      if (b < 0n) return power(Number(a), Number(b));
      checkBits(bits(a) * Number(b));
      return a ** b;
  }
}

/** `int / int` rounds the exact quotient once, even where an operand has no float. */
function quotient(a: bigint, b: bigint): number {
  const exact = Number(a) / Number(b);
  const isExact = (n: bigint) => n <= 9007199254740992n && n >= -9007199254740992n;
  if (isExact(a) && isExact(b)) return exact;
  // 66 bits of the quotient and a sticky bit decide the rounding.
  const negative = a < 0n !== b < 0n;
  const [n, d] = [a < 0n ? -a : a, b < 0n ? -b : b];
  const shift = BigInt(66 - bits(n) + bits(d));
  const scaled = shift >= 0n ? [n << shift, d] : [n, d << -shift];
  const sticky = scaled[0] % scaled[1] === 0n ? 0n : 1n;
  const value = Number((scaled[0] / scaled[1]) * 2n + sticky) * 2 ** Number(-shift - 1n);
  if (!Number.isFinite(value)) throw new TemplateFailure('integer division result too large for a float');
  return negative ? -value : value;
}

function floorDivision(a: bigint, b: bigint): bigint {
  const truncated = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? truncated - 1n : truncated;
}

function bits(value: bigint): number {
  return (value < 0n ? -value : value).toString(16).length * 4;
}

function checkBits(count: number): void {
  if (count > MAX_INT_BITS)
    throw new TemplateFailure(`an int of more than ${MAX_INT_BITS} bits is too large`);
  spend(Math.ceil(count / 64));
}

function ofFloats(operator: ArithmeticOperator, left: bigint | number, right: bigint | number): Value {
  const a = toFloat(left);
  const b = toFloat(right);
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) throw new TemplateFailure('float division by zero');
      return a / b;
    case '//':
      if (b === 0) throw new TemplateFailure('float floor division by zero');
      return floatFloorDivision(a, b);
    case '%':
      if (b === 0) throw new TemplateFailure('float modulo');
      return floatModulo(a, b);
    case '**':
      return power(a, b);
  }
}

/** @throws TemplateFailure for an int beyond the largest float. */
export function toFloat(value: bigint | number): number {
  const float = Number(value);
  if (typeof value === 'bigint' && !Number.isFinite(float)) {
    throw new TemplateFailure('int too large to convert to float');
  }
  return float;
}

/** The remainder with the sign of the divisor. */
function floatModulo(a: number, b: number): number {
  const remainder = a % b;
  if (remainder === 0) return b < 0 ? -0 : 0;
  return remainder < 0 !== b < 0 ? remainder + b : remainder;
}

/** CPython's `float_divmod`: from the exact remainder, so that `a == a // b * b + a % b` nearly holds. */
function floatFloorDivision(a: number, b: number): number {
  const remainder = a % b;
  let quotient = (a - remainder) / b;
  if (remainder !== 0 && remainder < 0 !== b < 0) quotient -= 1;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function power(a: number, b: number): number {
  if (a === 0 && b < 0) throw new TemplateFailure('0.0 cannot be raised to a negative power');
  if (a < 0 && Number.isFinite(a) && Number.isFinite(b) && !Number.isInteger(b)) {
    throw new TemplateFailure('a power that is a complex number is not supported by this engine');
  }
  // In Python 1 ** nan is 1, and so is (-1) ** inf.
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  const result = a ** b;
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b)) {
    throw new TemplateFailure('numerical result out of range');
  }
  return result;
}

/** `-value` and `+value`. */
export function signed(operator: '+' | '-', value: Value): Value {
  if (value instanceof Undefined) value.fail();
  const number = asNumber(value);
  if (number === undefined) {
    throw new TemplateFailure(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  }
  return operator === '-' ? -number : number;
}
