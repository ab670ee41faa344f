import { holdText } from './budget.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import { formatNumber } from './number-format.ts';
import { repr, str } from './represent.ts';
import { codePoints, Dict, Tuple, typeName, type Value } from './values.ts';

const DIRECTIVE = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([\s\S])/g;

/** Python's `text % values`. @throws TemplateFailure as Python does, and for `e`, `g`, `a` and `*`. */
export function formatPercent(text: string, values: Value): string {
  const items = values instanceof Tuple ? values.items : [values];
  let used = 0;
  let usesKeys = false;
  const next = (key: string | undefined): Value => {
    if (key !== undefined) {
      usesKeys = true;
      if (!(values instanceof Dict)) throw new TemplateFailure('format requires a mapping');
      const value = values.get(key);
      if (value === undefined) throw new TemplateFailure(`KeyError: '${key}'`);
      return value;
    }
    if (used >= items.length) throw new TemplateFailure('not enough arguments for format string');
    return items[used++];
  };
  const out = text.replace(DIRECTIVE, (directive, key, flags, width, precision, type) => {
    if (directive === '%%') return '%';
    if (width === '*' || precision === '*') unsupported('a width of * in a format');
    const hasPoint = directive.slice(directive.indexOf(')') + 1).includes('.');
    return one({ flags, width, precision: hasPoint ? (precision ?? '0') : undefined, type }, next(key));
  });
  if (/%$/.test(text.replace(DIRECTIVE, ''))) throw new TemplateFailure('incomplete format');
  if (!usesKeys && used < items.length && !(values instanceof Dict) && !Array.isArray(values)) {
    throw new TemplateFailure('not all arguments converted during string formatting');
  }
  holdText(out.length);
  return out;
}

interface Directive {
  readonly flags: string;
  readonly width: string | undefined;
  readonly precision: string | undefined;
  readonly type: string;
}

function one({ flags, width: widthText, precision, type }: Directive, value: Value): string {
  const width = Number(widthText ?? 0);
  holdText(width + Number(precision ?? 0));
  let body: string;
  let isNumber = true;
  switch (type) {
    case 's':
    case 'r':
      body = type === 's' ? str(value) : repr(value);
      if (precision !== undefined) body = [...body].slice(0, Number(precision)).join('');
      isNumber = false;
      break;
    case 'c':
      body = character(value);
      isNumber = false;
      break;
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
    case 'f':
    case 'F':
      body = formatNumber(value, {
        type: type === 'i' || type === 'u' ? 'd' : type,
        sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-',
        alternate: flags.includes('#'),
        precision: precision === undefined ? undefined : Number(precision),
        truncates: type === 'd' || type === 'i' || type === 'u',
      });
      break;
    default:
      if ('eEgGa'.includes(type)) unsupported(`%${type} in a format`);
      throw new TemplateFailure(`unsupported format character '${type}'`);
  }
  const missing = Math.max(0, width - codePoints(body).length);
  if (flags.includes('-')) return body + ' '.repeat(missing);
  if (!isNumber || !flags.includes('0')) return ' '.repeat(missing) + body;
  const prefix = /^[-+ ]?(?:0[xXo])?/.exec(body)![0];
  return prefix + '0'.repeat(missing) + body.slice(prefix.length);
}

function character(value: Value): string {
  if (typeof value === 'string' && codePoints(value).length === 1) return value;
  if (typeof value === 'bigint' && value >= 0n && value < 0x110000n)
    return String.fromCodePoint(Number(value));
  throw new TemplateFailure(`%c requires int or char, not ${typeName(value)}`);
}
