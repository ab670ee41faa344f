import { bind, type Parameter } from './arguments.ts';
import { arithmetic } from './arithmetic.ts';
import { spendText } from './budget.ts';
import { type ComparisonOperator, compare, equal } from './comparison.ts';
import { TemplateFailure } from './failure.ts';
import { str } from './represent.ts';
import { CLASSES } from './unicode.ts';
import {
  Callable,
  Dict,
  isIterable,
  type Keywords,
  Loop,
  lengthOf,
  Markup,
  Range,
  Tuple,
  Undefined,
  type Value,
} from './values.ts';

/** The text of a value that is read to its end. */
function wholeText(value: Value): string {
  const text = str(value);
  spendText(text.length);
  return text;
}

type Test = (value: Value, other: Value) => boolean;

const isInt = (value: Value) => typeof value === 'bigint';
const isNumber = (value: Value) => ['bigint', 'number', 'boolean'].includes(typeof value);
const remainder = (value: Value, divisor: Value) => arithmetic('%', value, divisor);
const comparison =
  (operator: ComparisonOperator): Test =>
  (value, other) =>
    compare(operator, value, other);

const UNARY: Readonly<Record<string, (value: Value) => boolean>> = {
  odd: (value) => equal(remainder(value, 2n), 1n),
  even: (value) => equal(remainder(value, 2n), 0n),
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  false: (value) => value === false,
  true: (value) => value === true,
  integer: isInt,
  float: (value) => typeof value === 'number',
  lower: (value) => CLASSES.islower(wholeText(value)),
  upper: (value) => CLASSES.isupper(wholeText(value)),
  string: (value) => typeof value === 'string' || value instanceof Markup,
  mapping: (value) => value instanceof Dict,
  number: isNumber,
  sequence: isSequence,
  iterable: isIterable,
  callable: (value) => value instanceof Callable || value instanceof Undefined || value instanceof Loop,
  escaped: (value) => value instanceof Markup,
};

const BINARY: Readonly<Record<string, Test>> = {
  divisibleby: (value, divisor) => equal(remainder(value, divisor), 0n),
  sameas: isSame,
  in: comparison('in'),
  ...Object.fromEntries(
    (
      [
        ['==', 'eq', 'equalto'],
        ['!=', 'ne'],
        ['>', 'gt', 'greaterthan'],
        ['>=', 'ge'],
        ['<', 'lt', 'lessthan'],
        ['<=', 'le'],
      ] as const
    ).flatMap(([operator, ...names]) => [operator, ...names].map((name) => [name, comparison(operator)])),
  ),
};

/** The names of arguments; that of a comparison, which is an operator in Python, cannot be given by name. */
const NAMED: Readonly<Record<string, string>> = { divisibleby: 'num', sameas: 'other', in: 'seq' };

/** The names of all tests, beside `filter` and `test`. */
export function hasTest(name: string): boolean {
  return Object.hasOwn(UNARY, name) || Object.hasOwn(BINARY, name);
}

/** `value is name(…)`. @throws TemplateFailure if there is no such test, or Python refuses the operands. */
export function runTest(
  name: string,
  value: Value,
  positional: readonly Value[],
  keywords: Keywords,
): boolean {
  if (!hasTest(name)) throw new TemplateFailure(`No test named '${name}'.`);
  const isUnary = Object.hasOwn(UNARY, name);
  const parameters: readonly Parameter[] = isUnary ? [] : [[NAMED[name] ?? 'the other value']];
  const [other] = bind(`test ${name}`, parameters, positional, keywords);
  return isUnary ? UNARY[name](value) : BINARY[name](value, other);
}

function isSequence(value: Value): boolean {
  const hasItems = !(typeof value === 'object' && value !== null) || Array.isArray(value);
  const isOther = [Tuple, Dict, Range, Undefined, Markup].some((type) => value instanceof type);
  return lengthOf(value) !== undefined && (hasItems || isOther);
}

/** Python's `is`: small ints and strings may or may not be one object, so only what is certain is said. */
function isSame(value: Value, other: Value): boolean {
  // There is one empty tuple.
  if (value instanceof Tuple && other instanceof Tuple && value.items.length === 0) {
    return other.items.length === 0;
  }
  const certain = (v: Value) => v === null || typeof v === 'boolean' || (typeof v === 'object' && v !== null);
  if (certain(value) || certain(other)) return value === other;
  throw new TemplateFailure('the test sameas of numbers or strings is not supported by this engine');
}
