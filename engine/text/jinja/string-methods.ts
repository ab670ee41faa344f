import { asInt, asText, bind, type Parameter } from './arguments.ts';
import { joinText } from './arithmetic.ts';
import { holdText, spendText } from './budget.ts';
import { TemplateFailure } from './failure.ts';
import { CLASSES, capitalize, caseFold, SPACE, splitLines, strip, swapCase, title } from './unicode.ts';
import { codePoints, iterate, Tuple, toIndex, typeName, type Value } from './values.ts';

/** A method of `str`: its parameters, and what it does with arguments in their order. */
interface Method {
  readonly parameters: readonly Parameter[];
  run(text: string, ...values: Value[]): Value;
}

const method = (parameters: readonly Parameter[], run: Method['run']): Method => ({ parameters, run });
const simple = (run: (text: string) => Value) => method([], run);
const WHITE_SPACE = new RegExp(`[${SPACE}]+`);

/** `encode`, `maketrans`, `translate` and `format_map` are not here, and are refused by name. */
const METHODS: Readonly<Record<string, Method>> = {
  ...Object.fromEntries(Object.entries(CLASSES).map(([name, test]) => [name, simple(test)])),
  capitalize: simple(capitalize),
  casefold: simple(caseFold),
  lower: simple((text) => text.toLowerCase()),
  swapcase: simple(swapCase),
  title: simple(title),
  upper: simple((text) => text.toUpperCase()),
  strip: method([['chars', null]], (text, chars) => strip(text, charsOf(chars), { start: true, end: true })),
  lstrip: method([['chars', null]], (text, chars) =>
    strip(text, charsOf(chars), { start: true, end: false }),
  ),
  rstrip: method([['chars', null]], (text, chars) =>
    strip(text, charsOf(chars), { start: false, end: true }),
  ),
  center: method([['width'], ['fillchar', ' ']], (text, width, fill) => {
    const missing = missingWidth(text, width);
    // The odd space stands on the left if the width is odd: CPython's rule.
    const left = (missing >> 1) + (missing & Number(asInt(width, 'width')) & 1);
    return fillOf(fill).repeat(left) + text + fillOf(fill).repeat(missing - left);
  }),
  ljust: method(
    [['width'], ['fillchar', ' ']],
    (text, width, fill) => text + fillOf(fill).repeat(missingWidth(text, width)),
  ),
  rjust: method(
    [['width'], ['fillchar', ' ']],
    (text, width, fill) => fillOf(fill).repeat(missingWidth(text, width)) + text,
  ),
  zfill: method([['width']], (text, width) => {
    const zeros = '0'.repeat(missingWidth(text, width));
    return /^[+-]/.test(text) ? text[0] + zeros + text.slice(1) : zeros + text;
  }),
  expandtabs: method([['tabsize', 8n]], (text, size) => expandTabs(text, toIndex(asInt(size, 'tabsize')))),
  startswith: method([['prefix'], ['start', null], ['end', null]], (text, prefix, start, end) => {
    const prefixes = alternatives(prefix, 'startswith');
    const part = sliced(text, start, end);
    return part !== undefined && prefixes.some((p) => part.startsWith(p));
  }),
  endswith: method([['suffix'], ['start', null], ['end', null]], (text, suffix, start, end) => {
    const suffixes = alternatives(suffix, 'endswith');
    const part = sliced(text, start, end);
    return part !== undefined && suffixes.some((s) => part.endsWith(s));
  }),
  removeprefix: method([['prefix']], (text, prefix) => {
    const part = asText(prefix, 'prefix');
    return text.startsWith(part) ? text.slice(part.length) : text;
  }),
  removesuffix: method([['suffix']], (text, suffix) => {
    const part = asText(suffix, 'suffix');
    return part !== '' && text.endsWith(part) ? text.slice(0, -part.length) : text;
  }),
  count: method([['sub'], ['start', null], ['end', null]], (text, sub, start, end) => {
    const wanted = asText(sub, 'sub');
    const part = sliced(text, start, end);
    return part === undefined ? 0n : BigInt(occurrences(part, wanted));
  }),
  find: method([['sub'], ['start', null], ['end', null]], (text, ...where) => find(text, where, false)),
  rfind: method([['sub'], ['start', null], ['end', null]], (text, ...where) => find(text, where, true)),
  index: method([['sub'], ['start', null], ['end', null]], (text, ...where) => index(text, where, false)),
  rindex: method([['sub'], ['start', null], ['end', null]], (text, ...where) => index(text, where, true)),
  partition: method([['sep']], (text, sep) => partition(text, separatorOf(sep), false)),
  rpartition: method([['sep']], (text, sep) => partition(text, separatorOf(sep), true)),
  split: method(
    [
      ['sep', null],
      ['maxsplit', -1n],
    ],
    (text, sep, max) => split(text, sep, max),
  ),
  rsplit: method(
    [
      ['sep', null],
      ['maxsplit', -1n],
    ],
    (text, sep, max) => {
      const backwards = (value: string) => [...value].reverse().join('');
      const parts = split(backwards(text), sep === null ? null : backwards(separatorOf(sep)), max);
      return parts.reverse().map((part) => backwards(part as string));
    },
  ),
  splitlines: method([['keepends', false]], (text, keepEnds) =>
    splitLines(text, toIndex(asInt(keepEnds, 'keepends')) !== 0),
  ),
  join: method([['iterable']], (text, items) => {
    const parts = Array.from(iterate(items), (item, i) => asText(item, `sequence item ${i}`));
    holdText(parts.reduce((sum, part) => sum + part.length + text.length, 0));
    return parts.join(text);
  }),
  replace: method([['old'], ['new'], ['count', -1n]], (text, from, to, count) =>
    replace(text, asText(from, 'old'), asText(to, 'new'), toIndex(asInt(count, 'count'))),
  ),
};

/** Whether a string has the method. */
export function hasStringMethod(name: string): boolean {
  return Object.hasOwn(METHODS, name);
}

/** Calls a method of a string. @throws TemplateFailure as Python does. */
export function callStringMethod(
  text: string,
  name: string,
  positional: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
): Value {
  const { parameters, run } = METHODS[name];
  // Text is copied by nearly every method, and methods of many strings are what a loop is made of.
  spendText(text.length);
  const result = run(text, ...bind(name, parameters, positional, keywords));
  if (typeof result === 'string') holdText(result.length);
  if (Array.isArray(result)) holdText(text.length + result.length * 16);
  return result;
}

/** `str.replace`; a negative count replaces all. */
export function replace(text: string, from: string, to: string, count: number): string {
  const limit = count < 0 ? Number.POSITIVE_INFINITY : count;
  if (from === '') {
    const points = [...text];
    holdText(text.length + Math.min(limit, points.length + 1) * to.length);
    const out = points.map((point, i) => (i < limit ? to + point : point)).join('');
    return points.length < limit ? out + to : out;
  }
  const parts = text.split(from);
  const replaced = Math.min(limit, parts.length - 1);
  holdText(text.length + replaced * to.length);
  const head = parts.slice(0, replaced + 1).join(to);
  return [head, ...parts.slice(replaced + 1)].join(from);
}

function charsOf(value: Value): string | null {
  return value === null ? null : asText(value, 'the argument of strip');
}

function fillOf(value: Value): string {
  const fill = asText(value, 'fillchar');
  if (codePoints(fill).length !== 1) {
    throw new TemplateFailure('The fill character must be exactly one character long');
  }
  return fill;
}

function missingWidth(text: string, width: Value): number {
  const missing = Math.max(0, toIndex(asInt(width, 'width')) - codePoints(text).length);
  holdText(text.length + missing * 2);
  return missing;
}

function expandTabs(text: string, size: number): string {
  let column = 0;
  let out = '';
  for (const c of text) {
    if (c === '\t') {
      const width = size > 0 ? size - (column % size) : 0;
      holdText(width);
      out = joinText(out, ' '.repeat(width));
      column += width;
    } else {
      out += c;
      column = c === '\n' || c === '\r' ? 0 : column + 1;
    }
  }
  return out;
}

/** `text[start:end]` where methods take a part; undefined if the start lies beyond the end. */
function sliced(text: string, start: Value, end: Value): string | undefined {
  if (start === null && end === null) return text;
  const points = codePoints(text);
  const [from, to] = bounds(points.length, start, end);
  if (from > points.length || from > to) return undefined;
  const part = points.slice(from, to);
  return typeof part === 'string' ? part : part.join('');
}

function bounds(length: number, start: Value, end: Value): [number, number] {
  const place = (value: Value, fallback: number) => {
    if (value === null) return fallback;
    const index = Number(asInt(value, 'an index'));
    return index < 0 ? Math.max(0, length + index) : index;
  };
  return [place(start, 0), Math.min(length, place(end, length))];
}

function alternatives(value: Value, name: string): string[] {
  if (value instanceof Tuple) return value.items.map((item) => asText(item, `an item of ${name}`));
  if (typeof value === 'string') return [value];
  throw new TemplateFailure(`${name} first arg must be str or a tuple of str, not ${typeName(value)}`);
}

function occurrences(text: string, sub: string): number {
  return sub === '' ? codePoints(text).length + 1 : text.split(sub).length - 1;
}

function find(text: string, [sub, start, end]: Value[], isLast: boolean): bigint {
  const part = sliced(text, start, end);
  const wanted = asText(sub, 'sub');
  const at = part === undefined ? -1 : isLast ? part.lastIndexOf(wanted) : part.indexOf(wanted);
  if (part === undefined || at === -1) return -1n;
  const [from] = bounds(codePoints(text).length, start, end);
  return BigInt(from + codePoints(part.slice(0, at)).length);
}

function index(text: string, where: Value[], isLast: boolean): bigint {
  const at = find(text, where, isLast);
  if (at === -1n) throw new TemplateFailure('substring not found');
  return at;
}

function separatorOf(value: Value): string {
  const separator = asText(value, 'sep');
  if (separator === '') throw new TemplateFailure('empty separator');
  return separator;
}

function partition(text: string, separator: string, isLast: boolean): Tuple {
  const at = isLast ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at === -1) return new Tuple(isLast ? ['', '', text] : [text, '', '']);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

function split(text: string, sep: Value, maxSplit: Value): Value[] {
  const count = toIndex(asInt(maxSplit, 'maxsplit'));
  const limit = count < 0 ? Number.POSITIVE_INFINITY : count;
  if (sep === null) return splitSpace(text, limit);
  const separator = separatorOf(sep);
  const parts = text.split(separator);
  if (parts.length <= limit + 1) return parts;
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

function splitSpace(text: string, limit: number): Value[] {
  const parts: string[] = [];
  let rest = strip(text, null, { start: true, end: false });
  if (limit === Number.POSITIVE_INFINITY) {
    return strip(rest, null, { start: false, end: true })
      .split(WHITE_SPACE)
      .filter((part) => part !== '');
  }
  while (rest !== '' && parts.length < limit) {
    const space = WHITE_SPACE.exec(rest);
    if (!space) break;
    parts.push(rest.slice(0, space.index));
    rest = rest.slice(space.index + space[0].length);
  }
  return rest === '' ? parts : [...parts, rest];
}
