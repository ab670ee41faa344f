import { asNumber } from './arithmetic.ts';
import { hold, spend, spendText } from './budget.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import {
  Callable,
  Dict,
  DictView,
  Generator,
  iterate,
  Markup,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

/** @throws TemplateFailure if the operands have no order, or the right one no members. */
export function compare(operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return order(left, right, '<') < 0;
    case '>':
      return order(left, right, '>') > 0;
    case '<=':
      return order(left, right, '<=') <= 0;
    case '>=':
      return order(left, right, '>=') >= 0;
  }
}

export function equal(left: Value, right: Value): boolean {
  spend();
  const a = asNumber(left);
  const b = asNumber(right);
  // biome-ignore lint/suspicious/noDoubleEquals: an int equals a float of the same value, exactly.
  if (a !== undefined && b !== undefined) return a == b;
  if (left instanceof Markup) return equal(left.text, right);
  if (right instanceof Markup) return equal(left, right.text);
  if (left instanceof Undefined) return right instanceof Undefined;
  if (Array.isArray(left)) return Array.isArray(right) && equalItems(left, right);
  if (left instanceof Tuple) return right instanceof Tuple && equalItems(left.items, right.items);
  if (left instanceof Dict) return right instanceof Dict && equalDicts(left, right);
  if (left instanceof DictView) return right instanceof DictView && equalViews(left, right);
  if (left instanceof Range)
    return right instanceof Range && equalItems([...iterate(left)], [...iterate(right)]);
  if (left instanceof Callable && right instanceof Callable && left !== right) {
    // Methods of one value are equal in Python, though each is made anew.
    if (left.name === right.name) unsupported(`a comparison of functions called ${left.name}`);
  }
  if (typeof left === 'string' && typeof right === 'string') spendText(Math.min(left.length, right.length));
  return left === right;
}

function equalItems(left: readonly Value[], right: readonly Value[]): boolean {
  if (left.length !== right.length) return false;
  spend(Math.ceil(left.length / 64));
  return left.every((item, i) => item === right[i] || equal(item, right[i]));
}

function equalDicts(left: Dict, right: Dict): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left.entries()) {
    const other = right.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/** Keys and items compare as sets of Python do; values are equal to themselves alone. */
function equalViews(left: DictView, right: DictView): boolean {
  if (!isSet(left) || !isSet(right)) return left === right;
  const { size } = left.dict;
  if (size !== right.dict.size || size === 0) return size === right.dict.size;
  if (left.kind !== right.kind) return false;
  if (left.kind === 'items') return equalDicts(left.dict, right.dict);
  for (const [key] of left.dict.entries()) {
    spend();
    if (!right.dict.has(key)) return false;
  }
  return true;
}

/** Negative, 0 or positive; NaN if the two are not ordered, as NaN is. */
function order(left: Value, right: Value, operator: string): number {
  spend();
  if (left instanceof Undefined) left.fail();
  if (right instanceof Undefined) right.fail();
  const a = asNumber(left);
  const b = asNumber(right);
  if (a !== undefined && b !== undefined) return a < b ? -1 : a > b ? 1 : a >= b ? 0 : Number.NaN;
  const [x, y] = [plain(left), plain(right)];
  if (typeof x === 'string' && typeof y === 'string') return orderText(x, y);
  if (Array.isArray(x) && Array.isArray(y)) return orderItems(x, y, operator);
  if (x instanceof Tuple && y instanceof Tuple) return orderItems(x.items, y.items, operator);
  if (isSet(x) && isSet(y)) unsupported(`${operator} of keys or items of dicts`);
  throw new TemplateFailure(
    `'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function isSet(value: Value): boolean {
  return value instanceof DictView && value.kind !== 'values';
}

function plain(value: Value): Value {
  return value instanceof Markup ? value.text : value;
}

function orderItems(left: readonly Value[], right: readonly Value[], operator: string): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    if (left[i] !== right[i] && !equal(left[i], right[i])) return order(left[i], right[i], operator);
  }
  return left.length - right.length;
}

/** By code points, as Python compares; UTF-16 puts U+FFFF after U+10000. */
function orderText(left: string, right: string): number {
  spendText(Math.min(left.length, right.length));
  if (left === right) return 0;
  let i = 0;
  while (i < left.length && left[i] === right[i]) i++;
  const [a, b] = [left.charCodeAt(i), right.charCodeAt(i)];
  if (Number.isNaN(a) || Number.isNaN(b)) return left.length - right.length;
  // A surrogate belongs to a character above every single unit.
  const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
  return isHigh(a) === isHigh(b) ? a - b : isHigh(a) ? 1 : -1;
}

/** `member in container`. */
export function contains(container: Value, member: Value): boolean {
  if (typeof container === 'string' || container instanceof Markup) {
    const text = typeof container === 'string' ? container : container.text;
    const part = plain(member);
    spendText(text.length);
    if (typeof part === 'string') return text.includes(part);
    if (part instanceof Undefined) part.fail();
    throw new TemplateFailure(`'in <string>' requires string as left operand, not ${typeName(part)}`);
  }
  if (container instanceof Dict) return container.has(member);
  if (container instanceof DictView && container.kind === 'keys') return container.dict.has(member);
  if (isContainer(container)) {
    for (const item of iterate(container)) if (item === member || equal(item, member)) return true;
    return false;
  }
  throw new TemplateFailure(`argument of type '${typeName(container)}' is not iterable`);
}

function isContainer(value: Value): boolean {
  return (
    Array.isArray(value) ||
    [Tuple, DictView, Range, Generator, Undefined].some((type) => value instanceof type)
  );
}

/** `sorted(items, key=key, reverse=reverse)`: stable both ways. */
export function sorted<T>(items: readonly T[], key: (item: T) => Value, reverse = false): T[] {
  hold(items.length);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => {
    const sign = order(a.key, b.key, '<');
    return reverse ? -sign : sign;
  });
  return keyed.map(({ item }) => item);
}
