import { asInt } from './arguments.ts';
import { arithmetic, toFloat } from './arithmetic.ts';
import { spendText } from './budget.ts';
import { TemplateFailure } from './failure.ts';
import { type Filter, filter } from './filter.ts';
import { floatText } from './represent.ts';
import { fixed, scaledHalfEven } from './rounding.ts';
import { asciiDigits, strip } from './unicode.ts';
import { toIndex, truthy, typeName, Undefined, type Value } from './values.ts';

export const NUMBER_FILTERS: Readonly<Record<string, Filter>> = {
  abs: filter([], (value) => {
    const number = numberOf(value, 'abs');
    return number < 0 || Object.is(number, -0) ? -number : number;
  }),
  int: filter(
    [
      ['default', 0n],
      ['base', 10n],
    ],
    (value, fallback, base) => toInt(value, fallback, base),
  ),
  float: filter([['default', 0]], (value, fallback) => {
    const found = parseFloatText(value);
    return found === undefined ? fallback : found;
  }),
  round: filter(
    [
      ['precision', 0n],
      ['method', 'common'],
    ],
    round,
  ),
  filesizeformat: filter([['binary', false]], (value, binary) => {
    const bytes = parseFloatText(value);
    if (bytes === undefined) throw new TemplateFailure(`could not convert ${typeName(value)} to float`);
    return fileSize(bytes, truthy(binary));
  }),
};

const INFINITE = 'cannot convert float infinity to integer';

function numberOf(value: Value, name: string): bigint | number {
  if (value instanceof Undefined) value.fail();
  if (typeof value === 'boolean') return BigInt(value);
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new TemplateFailure(`bad operand type for ${name}: '${typeName(value)}'`);
}

const DIGITS = { 2: '01', 8: '0-7', 16: '0-9a-f', 10: '0-9' } as const;
const PREFIXES = { 2: '0b', 8: '0o', 16: '0x', 10: '' } as const;

function toInt(value: Value, fallback: Value, baseValue: Value): Value {
  if (typeof value === 'boolean') return BigInt(value);
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string') {
    const found = parseIntText(value, toIndex(asInt(baseValue, 'base')));
    if (found !== undefined) return found;
  }
  // The default is for text such as 'inf'; a float that is infinite is an error in jinja2.
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw new TemplateFailure(INFINITE);
  }
  const float = parseFloatText(value);
  return float === undefined || !Number.isFinite(float) ? fallback : BigInt(Math.trunc(float));
}

function parseIntText(text: string, base: number): bigint | undefined {
  if (base !== 2 && base !== 8 && base !== 10 && base !== 16) {
    throw new TemplateFailure(`the filter int in base ${base} is not supported by this engine`);
  }
  const digits = `[${DIGITS[base]}](?:_?[${DIGITS[base]}])*`;
  const prefix = PREFIXES[base] === '' ? '' : `(?:${PREFIXES[base]}_?)?`;
  spendText(text.length);
  const pattern = new RegExp(`^([+-]?)${prefix}(${digits})$`, 'i');
  const found = pattern.exec(asciiDigits(strip(text, null, { start: true, end: true })));
  if (!found || found[2].length > 4300) return undefined;
  const absolute = BigInt(PREFIXES[base] + found[2].replaceAll('_', ''));
  return found[1] === '-' ? -absolute : absolute;
}

function parseFloatText(value: Value): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return toFloat(value);
  if (value instanceof Undefined) value.fail();
  if (typeof value !== 'string') return undefined;
  spendText(value.length);
  const text = asciiDigits(strip(value, null, { start: true, end: true })).toLowerCase();
  const special = /^([+-]?)(inf(?:inity)?|nan)$/.exec(text);
  if (special) {
    const absolute = special[2] === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
    return special[1] === '-' ? -absolute : absolute;
  }
  const isNumber =
    /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/.test(text);
  return isNumber ? Number(text.replaceAll('_', '')) : undefined;
}

function round(value: Value, precisionValue: Value, method: Value): Value {
  if (method !== 'common' && method !== 'ceil' && method !== 'floor') {
    throw new TemplateFailure('method must be common, ceil or floor');
  }
  const number = numberOf(value, 'round');
  const precision = toIndex(asInt(precisionValue, 'precision'));
  if (method === 'common') {
    return typeof number === 'bigint' ? roundInt(number, precision) : roundFloat(number, precision);
  }
  const scale = arithmetic('**', 10n, BigInt(precision));
  const scaled = arithmetic('*', number, scale) as bigint | number;
  if (typeof scaled === 'bigint') return arithmetic('/', scaled, scale);
  if (!Number.isFinite(scaled)) throw new TemplateFailure('cannot convert float infinity or NaN to integer');
  return arithmetic('/', BigInt(method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)), scale);
}

function roundInt(value: bigint, precision: number): bigint {
  if (precision >= 0) return value;
  if (precision < -4300) return 0n;
  const unit = 10n ** BigInt(-precision);
  const floor = value >= 0n ? value / unit : -((-value + unit - 1n) / unit);
  const twice = (value - floor * unit) * 2n;
  return (twice > unit || (twice === unit && floor % 2n !== 0n) ? floor + 1n : floor) * unit;
}

function roundFloat(value: number, precision: number): number {
  // Beyond these no float changes, or every float becomes 0.
  if (!Number.isFinite(value) || precision > 340) return value;
  if (precision >= 0) return Number(fixed(value, precision));
  const absolute = Math.abs(value);
  const rounded = precision < -310 ? 0 : Number(`${scaledHalfEven(absolute, precision)}e${-precision}`);
  // A zero keeps the sign of what became 0, which an int does not have.
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

function fileSize(bytes: number, isBinary: boolean): string {
  const base = isBinary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes === Number.NEGATIVE_INFINITY) throw new TemplateFailure(INFINITE);
  if (bytes < base) return `${BigInt(Math.trunc(bytes))} Bytes`;
  const letters = [...'kMGTPEZY'].map((letter) => (isBinary ? `${letter.toUpperCase()}iB` : `${letter}B`));
  // Python's bounds are ints: 10 ** 24 is more than the float 1e24.
  const found = letters.findIndex((_, i) => bytes < BigInt(base) ** BigInt(i + 2));
  const i = found === -1 ? letters.length - 1 : found;
  const size = (base * bytes) / base ** (i + 2);
  return `${Number.isFinite(size) ? fixed(size, 1) : floatText(size)} ${letters[i]}`;
}
