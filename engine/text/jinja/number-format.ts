import { TemplateFailure, unsupported } from './failure.ts';
import { floatText, intText } from './represent.ts';
import { fixed } from './rounding.ts';
import { typeName, type Value } from './values.ts';

/** How a number is written, without width and fill. */
export interface NumberFormat {
  /** `d x X o b f F %`, or '' for the number's own form. */
  readonly type: string;
  /** What stands before a number that is not negative: `+`, a space, or `-` for nothing. */
  readonly sign: string;
  /** Whether hexadecimal, octal and binary numbers have their prefix. */
  readonly alternate: boolean;
  /** Digits after the point. Default 6. */
  readonly precision: number | undefined;
  /** Whether a float is cut to an int for `d`, as `%` does and `format` refuses. */
  readonly truncates: boolean;
}

/** @throws TemplateFailure for a value that is no number, or does not fit the type. */
export function formatNumber(value: Value, format: NumberFormat): string {
  const number = typeof value === 'boolean' ? BigInt(value) : value;
  if (typeof number !== 'bigint' && typeof number !== 'number') {
    throw new TemplateFailure(`%${format.type} format: a real number is required, not ${typeName(value)}`);
  }
  const isNegative = number < 0 || Object.is(number, -0);
  const digits = unsigned(number, format);
  return (isNegative ? '-' : format.sign === '-' ? '' : format.sign) + digits;
}

function unsigned(number: bigint | number, { type, alternate, precision, truncates }: NumberFormat): string {
  if ('fF%'.includes(type) && type !== '') {
    const float = Math.abs(Number(number)) * (type === '%' ? 100 : 1);
    const text = Number.isFinite(float) ? fixed(float, precision ?? 6) : floatText(float);
    return (type === 'F' ? text.toUpperCase() : text) + (type === '%' ? '%' : '');
  }
  if (typeof number === 'number' && !truncates) {
    if (type !== '') throw new TemplateFailure(`Unknown format code '${type}' for object of type 'float'`);
    if (precision !== undefined) unsupported('a precision without f in a format');
    return floatText(Math.abs(number));
  }
  if (typeof number === 'number' && !Number.isFinite(number)) {
    throw new TemplateFailure('cannot convert float infinity or NaN to integer');
  }
  if (!truncates && precision !== undefined) {
    throw new TemplateFailure('Precision not allowed in integer format specifier');
  }
  const int = BigInt(typeof number === 'number' ? Math.trunc(number) : number);
  const text = inBase(int < 0n ? -int : int, type, alternate);
  return text.padStart(truncates ? (precision ?? 0) : 0, '0');
}

function inBase(value: bigint, type: string, alternate: boolean): string {
  const bases: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, b: 2 };
  const base = bases[type];
  if (base === undefined) {
    if (type !== '' && type !== 'd') {
      throw new TemplateFailure(`Unknown format code '${type}' for object of type 'int'`);
    }
    return intText(value);
  }
  const text = (alternate ? `0${type.toLowerCase()}` : '') + value.toString(base);
  return type === 'X' ? text.toUpperCase() : text;
}
