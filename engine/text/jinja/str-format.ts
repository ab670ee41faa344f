import { holdText } from './budget.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import { formatNumber } from './number-format.ts';
import { repr, str } from './represent.ts';
import { codePoints, type Keywords, typeName, type Value } from './values.ts';

/** How a field such as `{message.role}` or `{0[key]}` is followed. */
export interface Lookup {
  getAttribute(value: Value, name: string): Value;
  getItem(value: Value, key: Value): Value;
}

/** `text.format(*positional, **keywords)`. @throws TemplateFailure as Python does, and for `e` and `g`. */
export function strFormat(
  text: string,
  positional: readonly Value[],
  keywords: Keywords,
  lookup: Lookup,
): string {
  let automatic = 0;
  let isManual = false;
  const value = (field: string): Value => {
    const [, first, rest] = /^([^.[]*)([\s\S]*)$/.exec(field)!;
    let key = first;
    if (/^\d+$/.test(key)) isManual = true;
    if (isManual && (key === '' || automatic > 0)) {
      throw new TemplateFailure('cannot switch from manual field specification to automatic field numbering');
    }
    if (key === '') key = String(automatic++);
    const found = /^\d+$/.test(key) ? positional[Number(key)] : keywords.get(key);
    if (found === undefined) throw new TemplateFailure(`no argument of format() is called ${key}`);
    return follow(found, rest, lookup);
  };
  const out = text.replace(
    /\{\{|\}\}|\{([^{}!:]*)(?:!([^{}:]*))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g,
    (match, field, conversion, spec) => {
      if (match === '{{' || match === '}}') return match[0];
      if (field === undefined) throw new TemplateFailure(`Single '${match}' encountered in format string`);
      const found = converted(value(field), conversion);
      return formatted(
        found,
        (spec ?? '').replace(/\{([^{}]*)\}/g, (_: string, inner: string) => str(value(inner))),
      );
    },
  );
  holdText(out.length);
  return out;
}

function follow(value: Value, path: string, { getAttribute, getItem }: Lookup): Value {
  let found = value;
  for (const [, name, key] of path.matchAll(/\.([^.[]+)|\[([^\]]*)\]/g)) {
    if (name !== undefined) found = getAttribute(found, name);
    else found = getItem(found, /^\d+$/.test(key) ? BigInt(key) : key);
  }
  return found;
}

function converted(value: Value, conversion: string | undefined): Value {
  if (conversion === undefined) return value;
  if (conversion === 's') return str(value);
  if (conversion === 'r') return repr(value);
  return unsupported(`the conversion !${conversion} in a format`);
}

const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u;

function formatted(value: Value, spec: string): string {
  if (spec === '') return str(value);
  const found = SPEC.exec(spec);
  if (!found) throw new TemplateFailure(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign = '-', alternate, zero, widthText, group, precision, type = ''] = found;
  if (group) unsupported('grouping of digits in a format');
  if (/[eEgGnc]/.test(type)) unsupported(`${type} in a format`);
  const width = Number(widthText ?? 0);
  holdText(width + Number(precision ?? 0));
  const isText = typeof value === 'string';
  if (!isText && typeof value !== 'bigint' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new TemplateFailure(`unsupported format string passed to ${typeName(value)}.__format__`);
  }
  const body = isText
    ? textBody(value, { type, precision, sign: found[3], alternate, align })
    : formatNumber(value, {
        type,
        sign,
        alternate: alternate !== undefined,
        precision: precision === undefined ? undefined : Number(precision),
        truncates: false,
      });
  const missing = Math.max(0, width - codePoints(body).length);
  const pad = fill ?? (zero ? '0' : ' ');
  const side = align ?? (zero && !isText ? '=' : isText ? '<' : '>');
  if (side === '<') return body + pad.repeat(missing);
  if (side === '>') return pad.repeat(missing) + body;
  if (side === '^') return pad.repeat(missing >> 1) + body + pad.repeat(missing - (missing >> 1));
  const prefix = /^[-+ ]?(?:0[xXob])?/.exec(body)![0];
  return prefix + pad.repeat(missing) + body.slice(prefix.length);
}

interface TextSpec {
  readonly type: string;
  readonly precision: string | undefined;
  readonly sign: string | undefined;
  readonly alternate: string | undefined;
  readonly align: string | undefined;
}

function textBody(text: string, { type, precision, sign, alternate, align }: TextSpec): string {
  if (type !== '' && type !== 's') {
    throw new TemplateFailure(`Unknown format code '${type}' for object of type 'str'`);
  }
  if (sign || alternate || align === '=') {
    throw new TemplateFailure('a sign, # or = is not allowed in a format of a string');
  }
  return precision === undefined ? text : [...text].slice(0, Number(precision)).join('');
}
