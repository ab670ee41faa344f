import { holdText, spend } from './budget.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import {
  Dict,
  DictView,
  iterate,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** Digits of the longest int that Python 3.11 and newer turn into text. */
const MAX_INT_DIGITS = 4300;

/** `str(value)`. @throws TemplateFailure for what Python prints with an address in memory. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? '' : repr(value);
}

/** `repr(value)`. @throws TemplateFailure as {@link str} does. */
export function repr(value: Value): string {
  spend();
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return intText(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Range) return rangeText(value);
  const text = containerText(value);
  holdText(text.length);
  return text;
}

function containerText(value: Value): string {
  const items = (of: Value) => Array.from(iterate(of), repr).join(', ');
  if (Array.isArray(value)) return `[${items(value)}]`;
  if (value instanceof Tuple)
    return value.items.length === 1 ? `(${repr(value.items[0])},)` : `(${items(value)})`;
  if (value instanceof Dict) return `{${pairs(value.entries())}}`;
  if (value instanceof DictView) return `dict_${value.kind}([${items(value)}])`;
  if (value instanceof Namespace) return `<Namespace {${pairs(value.attributes)}}>`;
  return unsupported(`a ${typeName(value)} as text`);
}

function pairs(entries: Iterable<readonly [Value, Value]>): string {
  return Array.from(entries, ([key, value]) => `${repr(key)}: ${repr(value)}`).join(', ');
}

function rangeText({ start, step, stop }: Range): string {
  return step === 1n ? `range(${start}, ${stop})` : `range(${start}, ${stop}, ${step})`;
}

/** @throws TemplateFailure for more than 4300 digits, as in Python. */
export function intText(value: bigint): string {
  // 4300 digits are 14,285 bits; a longer number must not be printed before it is refused.
  const isLong = value > LONGEST || value < -LONGEST;
  if (isLong) throw new TemplateFailure(`an int of more than ${MAX_INT_DIGITS} digits cannot become text`);
  return value.toString();
}

const LONGEST = 10n ** BigInt(MAX_INT_DIGITS) - 1n;

/** A float as Python prints it: the shortest digits that are read back, `1e-05`, `1e+16`, `1.0`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, power] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** `repr` of a string. */
function quoted(text: string): string {
  holdText(text.length);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (c) => {
    if (c === "'" || c === '"') return c === quote ? `\\${c}` : c;
    return ESCAPES[c] ?? hexEscape(c.codePointAt(0)!);
  });
  return quote + body + quote;
}

function hexEscape(code: number): string {
  const [letter, width] = code < 0x100 ? ['x', 2] : code < 0x10000 ? ['u', 4] : ['U', 8];
  return `\\${letter}${code.toString(16).padStart(Number(width), '0')}`;
}
