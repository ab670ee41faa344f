import { attribute, getAttribute, getItem } from './access.ts';
import { asInt, asText } from './arguments.ts';
import { arithmetic, asNumber } from './arithmetic.ts';
import { hold, holdText } from './budget.ts';
import { compare, equal, sorted } from './comparison.ts';
import { TemplateFailure } from './failure.ts';
import { type Filter, filter } from './filter.ts';
import { str } from './represent.ts';
import {
  Dict,
  Generator,
  Group,
  iterate,
  lengthOf,
  Markup,
  Tuple,
  toIndex,
  truthy,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  attr: filter([['name']], (value, name) => {
    const key = asText(name, 'name');
    if (value instanceof Undefined) value.fail();
    return attribute(value, key) === undefined && value instanceof Dict
      ? new Undefined(`'dict object' has no attribute '${key}'`)
      : getAttribute(value, key);
  }),
  batch: filter([['linecount'], ['fill_with', null]], (value, count, fill) => batch(value, count, fill)),
  slice: filter([['slices'], ['fill_with', null]], (value, count, fill) => slice(value, count, fill)),
  count: filter([], length),
  length: filter([], length),
  default: filter(
    [
      ['default_value', ''],
      ['boolean', false],
    ],
    orDefault,
  ),
  d: filter(
    [
      ['default_value', ''],
      ['boolean', false],
    ],
    orDefault,
  ),
  dictsort: filter(
    [
      ['case_sensitive', false],
      ['by', 'key'],
      ['reverse', false],
    ],
    dictSort,
  ),
  first: filter([], (value) => {
    for (const item of iterate(value)) return item;
    return new Undefined('No first item, sequence was empty.');
  }),
  last: filter([], (value) => {
    const items = listOf(value);
    requireReversible(value);
    return items.length > 0 ? items[items.length - 1] : new Undefined('No last item, sequence was empty.');
  }),
  groupby: filter([['attribute'], ['default', null], ['case_sensitive', false]], groupBy),
  items: filter([], (value) => {
    if (value instanceof Undefined) return new Generator([]);
    if (!(value instanceof Dict)) throw new TemplateFailure('Can only get item pairs from a mapping.');
    return new Generator(Array.from(value.entries(), (pair) => new Tuple(pair)));
  }),
  join: filter(
    [
      ['d', ''],
      ['attribute', null],
    ],
    (value, separator, attributeName) => {
      const get = attributeName === null ? (item: Value) => item : getter(attributeName);
      const parts = Array.from(iterate(value), (item) => str(get(item)));
      const between = str(separator);
      holdText(parts.reduce((sum, part) => sum + part.length + between.length, 0));
      return parts.join(between);
    },
  ),
  list: filter([], listOf),
  max: filter(
    [
      ['case_sensitive', false],
      ['attribute', null],
    ],
    (value, isSensitive, name) => extreme('>', value, keyOf(name, isSensitive)),
  ),
  min: filter(
    [
      ['case_sensitive', false],
      ['attribute', null],
    ],
    (value, isSensitive, name) => extreme('<', value, keyOf(name, isSensitive)),
  ),
  reverse: filter([], (value) => {
    if (typeof value === 'string') {
      hold(value.length);
      return [...value].reverse().join('');
    }
    if (value instanceof Generator) return listOf(value).reverse();
    requireReversible(value);
    return new Generator(listOf(value).reverse());
  }),
  sort: filter(
    [
      ['reverse', false],
      ['case_sensitive', false],
      ['attribute', null],
    ],
    (value, reverse, isSensitive, name) => {
      // Several attributes, separated by commas, are compared one after the other.
      const names = typeof name === 'string' ? name.split(',') : [name];
      const keys = names.map((one) => keyOf(one, isSensitive));
      return sorted(listOf(value), (item) => keys.map((key) => key(item)), isReverse(reverse));
    },
  ),
  sum: filter(
    [
      ['attribute', null],
      ['start', 0n],
    ],
    (value, name, start) => {
      if (typeof start === 'string') throw new TemplateFailure("sum() can't sum strings");
      const get = name === null ? (item: Value) => item : getter(name);
      let total: Value = start;
      for (const item of iterate(value)) total = arithmetic('+', total, get(item));
      return total;
    },
  ),
  unique: filter(
    [
      ['case_sensitive', false],
      ['attribute', null],
    ],
    (value, isSensitive, name) => {
      const key = keyOf(name, isSensitive);
      const seen = new Dict();
      return new Generator(
        listOf(value).filter((item) => {
          const found = key(item);
          if (seen.has(found)) return false;
          seen.set(found, true);
          return true;
        }),
      );
    },
  ),
};

/** `list(value)`. */
export function listOf(value: Value): Value[] {
  const items: Value[] = [];
  for (const item of iterate(value)) {
    hold(1);
    items.push(item);
  }
  return items;
}

function length(value: Value): bigint {
  const found = lengthOf(value);
  if (found === undefined) throw new TemplateFailure(`object of type '${typeName(value)}' has no len()`);
  return BigInt(found);
}

function orDefault(value: Value, fallback: Value, boolean: Value): Value {
  return value instanceof Undefined || (truthy(boolean) && !truthy(value)) ? fallback : value;
}

function requireReversible(value: Value): void {
  const isReversible =
    lengthOf(value) !== undefined && !(value instanceof Undefined) && !(value instanceof Markup);
  if (!isReversible) throw new TemplateFailure(`'${typeName(value)}' object is not reversible`);
}

/**
 * What `attribute='a.0.b'` takes from an item.
 *
 * @param fallback in place of what is not there.
 */
export function getter(path: Value, fallback: Value = null): (item: Value) => Value {
  const parts: Value[] =
    path === null
      ? []
      : typeof path === 'string'
        ? path.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part))
        : [path];
  return (item) => {
    let found = item;
    for (const part of parts) {
      found = getItem(found, part);
      if (fallback !== null && found instanceof Undefined) found = fallback;
    }
    return found;
  };
}

function ignoreCase(value: Value): Value {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

function keyOf(attributeName: Value, isSensitive: Value): (item: Value) => Value {
  const get = getter(attributeName);
  return truthy(isSensitive) ? get : (item) => ignoreCase(get(item));
}

function extreme(operator: '<' | '>', value: Value, key: (item: Value) => Value): Value {
  let best: Value | undefined;
  for (const item of iterate(value)) {
    if (best === undefined || compare(operator, key(item), key(best))) best = item;
  }
  return best === undefined ? new Undefined('No aggregated item, sequence was empty.') : best;
}

function dictSort(value: Value, isSensitive: Value, by: Value, reverse: Value): Value[] {
  if (by !== 'key' && by !== 'value') {
    throw new TemplateFailure('You can only sort by either "key" or "value"');
  }
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict))
    throw new TemplateFailure(`'${typeName(value)}' object has no attribute 'items'`);
  const position = by === 'key' ? 0 : 1;
  const key = ([...pair]: [Value, Value]) =>
    truthy(isSensitive) ? pair[position] : ignoreCase(pair[position]);
  return sorted([...value.entries()], key, isReverse(reverse)).map((pair) => new Tuple(pair));
}

/** Python's `sorted` takes an int. */
function isReverse(reverse: Value): boolean {
  if (typeof reverse === 'bigint' || typeof reverse === 'boolean') return truthy(reverse);
  throw new TemplateFailure(`'${typeName(reverse)}' object cannot be interpreted as an integer`);
}

function groupBy(value: Value, attributeName: Value, fallback: Value, isSensitive: Value): Value[] {
  const get = getter(attributeName, fallback);
  const key = (item: Value) => (truthy(isSensitive) ? get(item) : ignoreCase(get(item)));
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(listOf(value), key)) {
    const found = key(item);
    const last = groups.at(-1);
    if (last && equal(last.key, found)) last.items.push(item);
    else groups.push({ key: found, items: [item] });
  }
  return groups.map(({ items }) => new Group(get(items[0]), items));
}

function batch(value: Value, count: Value, fill: Value): Generator {
  // What is no number is the length of no row.
  const length = Number(asNumber(count) ?? Number.NaN);
  const rows: Value[][] = [[]];
  for (const item of iterate(value)) {
    hold(1);
    if (rows[rows.length - 1].length === length) rows.push([]);
    rows[rows.length - 1].push(item);
  }
  const last = rows[rows.length - 1];
  if (last.length === 0) rows.pop();
  else if (fill !== null && compare('<', BigInt(last.length), count)) {
    const size = toIndex(asInt(count, 'linecount'));
    hold(size);
    while (last.length < size) last.push(fill);
  }
  return new Generator(rows);
}

function slice(value: Value, count: Value, fill: Value): Generator {
  const slices = toIndex(asInt(count, 'slices'));
  if (slices === 0) throw new TemplateFailure('integer division or modulo by zero');
  const items = listOf(value);
  const size = Math.floor(items.length / slices);
  const extra = items.length - size * slices;
  hold(Math.max(0, slices));
  let start = 0;
  return new Generator(
    Array.from({ length: Math.max(0, slices) }, (_, i) => {
      const end = start + size + (i < extra ? 1 : 0);
      const row = items.slice(start, end);
      if (fill !== null && i >= extra) row.push(fill);
      start = end;
      return row;
    }),
  );
}
