import { asInt, asText } from './arguments.ts';
import { holdText, spendText } from './budget.ts';
import { TemplateFailure } from './failure.ts';
import { type Filter, filter } from './filter.ts';
import { toJson } from './json.ts';
import { formatPercent } from './percent.ts';
import { str } from './represent.ts';
import { callStringMethod, replace } from './string-methods.ts';
import { SPACE, splitLines, strip } from './unicode.ts';
import {
  codePoints,
  Dict,
  iterate,
  Markup,
  Tuple,
  toIndex,
  truthy,
  typeName,
  unpack,
  type Value,
} from './values.ts';

const WORD_BEGINNING = new RegExp(`([-${SPACE}({\\[<]+)`);
const NONE: ReadonlyMap<string, Value> = new Map();

/** jinja2's `soft_str`: what is marked as safe stays so, and few filters take that. */
function soft(value: Value, name: string): string {
  if (value instanceof Markup) {
    throw new TemplateFailure(`the filter ${name} of a value marked as safe is not supported by this engine`);
  }
  return str(value);
}

const method = (name: string, ...values: Value[]) =>
  filter([], (value) => callStringMethod(soft(value, name), name, values, NONE));

export const TEXT_FILTERS: Readonly<Record<string, Filter>> = {
  capitalize: method('capitalize'),
  lower: method('lower'),
  upper: method('upper'),
  center: filter([['width', 80n]], (value, width) =>
    callStringMethod(soft(value, 'center'), 'center', [width], NONE),
  ),
  trim: filter([['chars', null]], (value, chars) => {
    const text = soft(value, 'trim');
    spendText(text.length);
    return strip(text, chars === null ? null : asText(chars, 'chars'), { start: true, end: true });
  }),
  title: filter([], (value) => {
    const text = soft(value, 'title');
    // Words take longer than a copy.
    holdText(text.length * 8);
    return text
      .split(WORD_BEGINNING)
      .filter((item) => item !== '')
      .map((item) => {
        const [first] = item;
        return first.toUpperCase() + item.slice(first.length).toLowerCase();
      })
      .join('');
  }),
  replace: filter([['old'], ['new'], ['count', null]], (value, from, to, count) =>
    replace(str(value), str(from), str(to), count === null ? -1 : toIndex(asInt(count, 'count'))),
  ),
  string: filter([], (value) => (value instanceof Markup ? value : str(value))),
  safe: filter([], (value) => new Markup(str(value))),
  escape: filter([], escapeHtml),
  e: filter([], escapeHtml),
  forceescape: filter([], (value) => escapeHtml(str(value))),
  format: {
    run(value, positional, keywords) {
      if (positional.length > 0 && keywords.size > 0) {
        throw new TemplateFailure("can't handle positional and keyword arguments at the same time");
      }
      const named = new Dict();
      for (const [key, item] of keywords) named.set(key, item);
      return formatPercent(soft(value, 'format'), keywords.size > 0 ? named : new Tuple(positional));
    },
  },
  indent: filter(
    [
      ['width', 4n],
      ['first', false],
      ['blank', false],
    ],
    indent,
  ),
  truncate: filter(
    [
      ['length', 255n],
      ['killwords', false],
      ['end', '...'],
      ['leeway', null],
    ],
    (value, length, killWords, end, leeway) =>
      truncate(asText(value, 'text'), { length, killWords, end, leeway }),
  ),
  wordcount: filter([], (value) => {
    const text = soft(value, 'wordcount');
    // A match of a word takes far longer than a copy of it.
    holdText(text.length * 8);
    return BigInt(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0);
  }),
  urlencode: filter([], urlencode),
  tojson: filter(
    [
      ['ensure_ascii', false],
      ['indent', null],
      ['separators', null],
      ['sort_keys', false],
    ],
    (value, ensureAscii, indentation, separators, sortKeys) => {
      const indentText = indentation === null ? null : indentOf(indentation);
      return toJson(value, {
        ensureAscii: truthy(ensureAscii),
        indent: indentText,
        separators: separators === null ? [indentText === null ? ', ' : ',', ': '] : separatorsOf(separators),
        sortKeys: truthy(sortKeys),
      });
    },
  ),
};

function escapeHtml(value: Value): Markup {
  if (value instanceof Markup) return value;
  const text = str(value);
  const escapes: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  };
  holdText(text.length * 5);
  return new Markup(text.replace(/[&<>'"]/g, (c) => escapes[c]));
}

function indentOf(value: Value): string {
  if (typeof value === 'string') return value;
  const width = toIndex(asInt(value, 'indent'));
  holdText(Math.max(0, width));
  return ' '.repeat(Math.max(0, width));
}

function separatorsOf(value: Value): [string, string] {
  const items = [...iterate(value)];
  if (items.length !== 2) throw new TemplateFailure('separators must have two items');
  return [asText(items[0], 'a separator'), asText(items[1], 'a separator')];
}

function indent(value: Value, width: Value, first: Value, blank: Value): Value {
  const text = asText(value, 'the text of indent');
  const indentation = indentOf(width);
  const lines = splitLines(`${text}\n`, false);
  holdText(text.length + lines.length * indentation.length);
  const rest = lines.slice(1).map((line) => (line || truthy(blank) ? indentation + line : line));
  return (truthy(first) ? indentation : '') + [lines[0], ...rest].join('\n');
}

interface Truncation {
  readonly length: Value;
  readonly killWords: Value;
  readonly end: Value;
  readonly leeway: Value;
}

function truncate(text: string, { length, killWords, end, leeway }: Truncation): string {
  const limit = toIndex(asInt(length, 'length'));
  const mark = asText(end, 'end');
  const slack = leeway === null ? 5 : toIndex(asInt(leeway, 'leeway'));
  const room = limit - codePoints(mark).length;
  if (room < 0) throw new TemplateFailure(`expected length >= ${codePoints(mark).length}, got ${limit}`);
  if (slack < 0) throw new TemplateFailure(`expected leeway >= 0, got ${slack}`);
  const points = [...text];
  if (points.length <= limit + slack) return text;
  const head = points.slice(0, room).join('');
  const space = head.lastIndexOf(' ');
  return (truthy(killWords) || space === -1 ? head : head.slice(0, space)) + mark;
}

function urlencode(value: Value): string {
  const quote = (item: Value, isQuery: boolean) => {
    const plain = str(item);
    // A character becomes up to nine.
    holdText(plain.length * 9);
    const text = encodeURIComponent(plain).replace(
      /[!'()*]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    );
    return isQuery ? text.replaceAll('%20', '+') : text.replaceAll('%2F', '/');
  };
  const isIterable = Array.isArray(value) || value instanceof Dict || value instanceof Tuple;
  if (typeof value === 'object' && value !== null && !isIterable) {
    throw new TemplateFailure(`the filter urlencode of a ${typeName(value)} is not supported by this engine`);
  }
  if (!isIterable) return quote(value, false);
  const pairs =
    value instanceof Dict ? Array.from(value.entries(), (pair) => new Tuple(pair)) : [...iterate(value)];
  return pairs
    .map((pair) =>
      unpack(pair, 2)
        .map((item) => quote(item, true))
        .join('='),
    )
    .join('&');
}
