import { spend, spendText } from './budget.ts';
import { TemplateFailure, unsupported } from './failure.ts';

/**
 * A value of Python as templates see it. None is `null`, an int a `bigint`, a float a `number`, a str a
 * `string`, a list an array.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Value[]
  | Tuple
  | Dict
  | DictView
  | Range
  | Generator
  | Undefined
  | Markup
  | Namespace
  | Loop
  | Callable;

export type Keywords = ReadonlyMap<string, Value>;

export class Tuple {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What `groupby` makes: a tuple of two whose items have names as well. */
export class Group extends Tuple {
  readonly attributes: ReadonlyMap<string, Value>;

  constructor(grouper: Value, list: Value[]) {
    super([grouper, list]);
    this.attributes = new Map([
      ['grouper', grouper],
      ['list', list],
    ]);
  }
}

/** A dict in order of insertion; keys that are equal in Python (1, 1.0 and True) are one key. */
export class Dict {
  readonly #entries = new Map<unknown, [Value, Value]>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashed(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashed(key));
  }

  set(key: Value, value: Value): void {
    const hash = hashed(key);
    const known = this.#entries.get(hash);
    if (known) known[1] = value;
    else this.#entries.set(hash, [key, value]);
  }

  entries(): IterableIterator<[Value, Value]> {
    return this.#entries.values();
  }
}

/** What a key is found by. @throws TemplateFailure for lists, dicts and sets of keys, as Python does. */
export function hashed(key: Value): unknown {
  if (typeof key === 'boolean') return BigInt(key);
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  if (key instanceof Markup) return key.text;
  const isSetLike = key instanceof DictView && key.kind !== 'values';
  if (Array.isArray(key) || key instanceof Dict || isSetLike) {
    throw new TemplateFailure(`unhashable type: '${typeName(key)}'`);
  }
  if (key instanceof Tuple) unsupported('a tuple as a key');
  return key;
}

/** `dict.keys()`, `dict.values()` and `dict.items()`. */
export class DictView {
  readonly kind: 'keys' | 'values' | 'items';
  readonly dict: Dict;

  constructor(kind: 'keys' | 'values' | 'items', dict: Dict) {
    this.kind = kind;
    this.dict = dict;
  }
}

export class Range {
  readonly start: bigint;
  readonly step: bigint;
  readonly length: number;
  /** As it was given, for printing. */
  readonly stop: bigint;

  constructor(start: bigint, step: bigint, length: number, stop: bigint) {
    this.start = start;
    this.step = step;
    this.length = length;
    this.stop = stop;
  }

  at(index: number): bigint {
    return this.start + BigInt(index) * this.step;
  }
}

/** What filters such as `map` and `select` return: items that can be taken once. */
export class Generator {
  readonly iterator: Iterator<Value>;

  constructor(items: Iterable<Value>) {
    this.iterator = items[Symbol.iterator]();
  }
}

/** A name or key that has no value. It prints as nothing; most uses of it are an error. */
export class Undefined {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  fail(): never {
    throw new TemplateFailure(this.message);
  }
}

/** A string that `safe` or `escape` has marked. It prints as it is, and few operations take it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class Namespace {
  readonly attributes: Map<string, Value>;

  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

/** The variable `loop`. */
export abstract class Loop {
  abstract attribute(name: string): Value | undefined;
}

const NO_ATTRIBUTES: ReadonlyMap<string, Value> = new Map();

export class Callable {
  readonly name: string;
  readonly call: (positional: readonly Value[], keywords: Keywords) => Value;
  /** What a template can read of it. */
  readonly attributes: ReadonlyMap<string, Value>;

  constructor(
    name: string,
    call: (positional: readonly Value[], keywords: Keywords) => Value,
    attributes: ReadonlyMap<string, Value> = NO_ATTRIBUTES,
  ) {
    this.name = name;
    this.call = call;
    this.attributes = attributes;
  }
}

/** The name of a value's class in Python. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'str';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof DictView) return `dict_${value.kind}`;
  if (value instanceof Range) return 'range';
  if (value instanceof Generator) return 'generator';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Markup) return 'Markup';
  if (value instanceof Namespace) return 'Namespace';
  return value instanceof Loop ? 'LoopContext' : 'function';
}

/** `bool(value)`. */
export function truthy(value: Value): boolean {
  // NaN is true in Python.
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'object' || value === null) return Boolean(value);
  if (value instanceof Undefined) return false;
  return lengthOf(value) !== 0;
}

/** `len(value)`; `undefined` where Python has none. A string's length is in code points. */
export function lengthOf(value: Value): number | undefined {
  if (typeof value === 'string') return codePointCount(value);
  if (Array.isArray(value) || value instanceof Range) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof DictView) return value.dict.size;
  if (value instanceof Markup) return codePointCount(value.text);
  return value instanceof Undefined ? 0 : undefined;
}

const SURROGATE = /[\ud800-\udfff]/;

/** The characters of a string as Python counts them, cheaply if there is nothing beyond U+FFFF. */
export function codePoints(text: string): readonly string[] | string {
  spendText(text.length);
  return SURROGATE.test(text) ? [...text] : text;
}

function codePointCount(text: string): number {
  return codePoints(text).length;
}

/** Whether `for` can go over a value. */
export function isIterable(value: Value): boolean {
  return lengthOf(value) !== undefined || value instanceof Generator || value instanceof Loop;
}

/** A value's items, as Python assigns them to several names. @throws TemplateFailure for another number. */
export function unpack(value: Value, wanted: number): Value[] {
  const items: Value[] = [];
  for (const item of iterate(value)) {
    items.push(item);
    if (items.length > wanted) throw new TemplateFailure(`too many values to unpack (expected ${wanted})`);
  }
  if (items.length < wanted) {
    throw new TemplateFailure(`not enough values to unpack (expected ${wanted}, got ${items.length})`);
  }
  return items;
}

/** `iter(value)`. @throws TemplateFailure if Python cannot iterate over it. */
export function* iterate(value: Value): Generator_ {
  for (const item of iterableOf(value)) {
    spend();
    yield item;
  }
}

type Generator_ = globalThis.Generator<Value, void, undefined>;

function iterableOf(value: Value): Iterable<Value> {
  if (typeof value === 'string' || Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Markup) return value.text;
  if (value instanceof Dict) return viewItems('keys', value);
  if (value instanceof DictView) return viewItems(value.kind, value.dict);
  if (value instanceof Range) return rangeItems(value);
  // Closing a generator after the first item must leave the others, as in Python.
  if (value instanceof Generator) return { [Symbol.iterator]: () => ({ next: () => value.iterator.next() }) };
  if (value instanceof Undefined) return [];
  throw new TemplateFailure(`'${typeName(value)}' object is not iterable`);
}

function* viewItems(kind: DictView['kind'], dict: Dict): Iterable<Value> {
  for (const [key, value] of dict.entries()) {
    yield kind === 'keys' ? key : kind === 'values' ? value : new Tuple([key, value]);
  }
}

function* rangeItems(range: Range): Iterable<Value> {
  for (let i = 0; i < range.length; i++) yield range.at(i);
}

/** A number from an int. @throws TemplateFailure if Python would not find room for it either. */
export function toIndex(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new TemplateFailure('Python int too large to convert to C ssize_t');
  }
  return Number(value);
}
