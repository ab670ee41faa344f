import { asInt, bind } from './arguments.ts';
import { hold } from './budget.ts';
import { equal } from './comparison.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import { repr } from './represent.ts';
import { strFormat } from './str-format.ts';
import { callStringMethod, hasStringMethod } from './string-methods.ts';
import {
  Callable,
  codePoints,
  Dict,
  DictView,
  Group,
  Loop,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

const OF_INTS = [
  'as_integer_ratio',
  'bit_count',
  'conjugate',
  'denominator',
  'from_bytes',
  'imag',
  'numerator',
  'real',
  'to_bytes',
];

/** Attributes that Python has and this implementation does not imitate, by the type's name. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  str: ['encode', 'format_map', 'maketrans', 'translate'],
  int: OF_INTS,
  bool: OF_INTS,
  float: ['as_integer_ratio', 'conjugate', 'fromhex', 'hex', 'imag', 'real'],
  dict: ['fromkeys'],
  dict_keys: ['isdisjoint', 'mapping'],
  dict_items: ['isdisjoint', 'mapping'],
  dict_values: ['mapping'],
  range: ['count', 'index', 'start', 'step', 'stop'],
  generator: ['close', 'send', 'throw'],
};

/** Methods that change a value in place, which HuggingFace's sandbox forbids. */
const MUTATORS: Readonly<Record<string, readonly string[]>> = {
  list: ['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  dict: ['clear', 'pop', 'popitem', 'setdefault', 'update'],
};

/** `value.name`: an attribute of the value itself, otherwise its item. */
export function getAttribute(value: Value, name: string): Value {
  if (value instanceof Undefined) value.fail();
  const own = attribute(value, name);
  const found = own === undefined && value instanceof Dict ? value.get(name) : own;
  return found === undefined ? absent(value, name) : found;
}

/** `value[key]`: an item, otherwise an attribute if the key is a string. */
export function getItem(value: Value, key: Value): Value {
  if (value instanceof Undefined) value.fail();
  const isHashable = !(Array.isArray(key) || key instanceof Dict);
  const item = value instanceof Dict && isHashable ? value.get(key) : itemAt(value, key);
  if (item !== undefined) return item;
  const own = typeof key === 'string' ? attribute(value, key) : undefined;
  return own === undefined ? absent(value, key) : own;
}

function absent(value: Value, key: Value): Undefined {
  const owner = value === null ? 'None' : `${typeName(value)} object`;
  return new Undefined(
    typeof key === 'string'
      ? `'${owner}' has no attribute '${key}'`.replace(/^'None'/, 'None')
      : `${owner} has no element ${repr(key)}`,
  );
}

function itemAt(value: Value, key: Value): Value | undefined {
  if (typeof key !== 'bigint' && typeof key !== 'boolean') return undefined;
  if (value instanceof Markup) unsupported('a character of a value marked as safe');
  const items = sequence(value);
  if (items === undefined) return undefined;
  const index = Number(key) < 0 ? Number(key) + items.length : Number(key);
  if (index < 0 || index >= items.length) return undefined;
  return value instanceof Range ? value.at(index) : items[index];
}

function sequence(value: Value): readonly Value[] | string | undefined {
  if (typeof value === 'string') return codePoints(value);
  if (Array.isArray(value)) return value;
  if (value instanceof Range) return Array.from({ length: value.length }, (_, i) => value.at(i));
  return value instanceof Tuple ? value.items : undefined;
}

/** `value[start:stop:step]`. @throws TemplateFailure for values that have no slices. */
export function getSlice(value: Value, start: Value, stop: Value, step: Value): Value {
  if (value instanceof Undefined) value.fail();
  const items = sequence(value);
  if (items === undefined || value instanceof Range) {
    if (value instanceof Range) unsupported('a slice of a range');
    throw new TemplateFailure(`'${typeName(value)}' object has no slices`);
  }
  const indices = sliceIndices(items.length, start, stop, step);
  if (typeof items === 'string' && indices.step === 1) return items.slice(indices.from, indices.to);
  const taken: Value[] = [];
  for (let i = indices.from; indices.step > 0 ? i < indices.to : i > indices.to; i += indices.step) {
    taken.push(items[i]);
  }
  hold(taken.length);
  if (typeof value === 'string') return taken.join('');
  return value instanceof Tuple ? new Tuple(taken) : taken;
}

function sliceIndices(length: number, start: Value, stop: Value, stepValue: Value) {
  const step = stepValue === null ? 1 : Number(asInt(stepValue, 'a step of a slice'));
  if (step === 0) throw new TemplateFailure('slice step cannot be zero');
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (value: Value, fallback: number) => {
    if (value === null) return fallback;
    const index = Number(asInt(value, 'an index of a slice'));
    return Math.min(high, Math.max(low, index < 0 ? index + length : index));
  };
  const from = place(start, step > 0 ? low : high);
  const to = place(stop, step > 0 ? high : low);
  return { from, to: step > 0 ? Math.max(from, to) : to, step };
}

/** An attribute that Python's type has; undefined if it has none of this name. */
export function attribute(value: Value, name: string): Value | undefined {
  if (value instanceof Namespace) return value.attributes.get(name);
  if (value instanceof Loop) return value.attribute(name);
  const hasOwn = (value instanceof Callable || value instanceof Group) && value.attributes.has(name);
  if (hasOwn) return value.attributes.get(name);
  const type = typeName(value);
  if (/^__\w+__$/.test(name)) return new Undefined(unsafe(type, name));
  if (MUTATORS[type]?.includes(name)) return new Undefined(unsafe(type, name));
  if (REFUSED[type]?.includes(name) || value instanceof Markup) unsupported(`${type}.${name}`);
  if (typeof value === 'string') return stringMethod(value, name);
  if (value instanceof Dict) return dictMethod(value, name);
  if (Array.isArray(value) || value instanceof Tuple) return sequenceMethod(value, name);
  if (typeof value === 'number' && name === 'is_integer')
    return withoutArguments(name, () => Number.isInteger(value));
  if ((typeof value === 'bigint' || typeof value === 'boolean') && name === 'bit_length') {
    return withoutArguments(name, () => bitLength(BigInt(value)));
  }
  return undefined;
}

function bitLength(value: bigint): bigint {
  return BigInt(value === 0n ? 0 : (value < 0n ? -value : value).toString(2).length);
}

/** A method that refuses every argument. */
function withoutArguments(name: string, run: () => Value): Callable {
  return new Callable(name, (positional, keywords) => {
    bind(name, [], positional, keywords);
    return run();
  });
}

function unsafe(type: string, name: string): string {
  return `access to attribute '${name}' of '${type}' object is unsafe.`;
}

function stringMethod(text: string, name: string): Callable | undefined {
  if (name === 'format') {
    return new Callable(name, (positional, keywords) =>
      strFormat(text, positional, keywords, { getAttribute, getItem }),
    );
  }
  if (!hasStringMethod(name)) return undefined;
  return new Callable(name, (positional, keywords) => callStringMethod(text, name, positional, keywords));
}

function dictMethod(dict: Dict, name: string): Callable | undefined {
  switch (name) {
    case 'keys':
    case 'values':
    case 'items':
      return withoutArguments(name, () => new DictView(name, dict));
    case 'get':
      return new Callable(name, (positional, keywords) => {
        if (keywords.size > 0) throw new TemplateFailure('get() takes no keyword arguments');
        const [key, fallback] = bind(name, [['key'], ['default', null]], positional, keywords);
        const found = dict.get(key);
        return found === undefined ? fallback : found;
      });
    case 'copy':
      return withoutArguments(name, () => {
        const copy = new Dict();
        hold(dict.size);
        for (const [key, value] of dict.entries()) copy.set(key, value);
        return copy;
      });
    default:
      return undefined;
  }
}

function sequenceMethod(value: Value[] | Tuple, name: string): Callable | undefined {
  const items = Array.isArray(value) ? value : value.items;
  switch (name) {
    case 'count':
      return new Callable(name, (positional, keywords) => {
        const [wanted] = bind(name, [['value']], positional, keywords);
        return BigInt(items.filter((item) => equal(item, wanted)).length);
      });
    case 'index':
      return new Callable(name, ([first, ...rest], keywords) => {
        if (rest.length > 0) unsupported('a part in index()');
        const [wanted] = bind(name, [['value']], first === undefined ? [] : [first], keywords);
        const at = items.findIndex((item) => equal(item, wanted));
        if (at === -1) throw new TemplateFailure(`${repr(wanted)} is not in ${typeName(value)}`);
        return BigInt(at);
      });
    case 'copy':
      if (!Array.isArray(value)) return undefined;
      return withoutArguments(name, () => {
        hold(items.length);
        return [...items];
      });
    default:
      return undefined;
  }
}
