import { asInt, asText, bind } from './arguments.ts';
import { hold } from './budget.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import { str } from './represent.ts';
import { strftime } from './strftime.ts';
import {
  Callable,
  Dict,
  iterate,
  type Keywords,
  Namespace,
  Range,
  toIndex,
  Undefined,
  type Value,
} from './values.ts';

/** The longest range of jinja2's sandbox. */
const MAX_RANGE = 100_000n;

/** Functions that every template can call, as HuggingFace defines them. */
export const GLOBALS: ReadonlyMap<string, Value> = new Map(
  [
    new Callable('range', range),
    new Callable('namespace', (positional, keywords) => {
      const attributes = new Map<string, Value>();
      for (const [key, value] of dict(positional, keywords).entries()) {
        attributes.set(asText(key, 'a name in a namespace'), value);
      }
      return new Namespace(attributes);
    }),
    new Callable('dict', dict),
    new Callable('raise_exception', (positional, keywords) => {
      const [message] = bind('raise_exception', [['message']], positional, keywords);
      throw new TemplateFailure(str(message));
    }),
    new Callable('strftime_now', (positional, keywords) => {
      const [format] = bind('strftime_now', [['format']], positional, keywords);
      return strftime(new Date(), asText(format, 'format'));
    }),
    ...['lipsum', 'cycler', 'joiner'].map((name) => new Callable(name, () => unsupported(name))),
  ].map((callable) => [callable.name, callable]),
);

function range(positional: readonly Value[], keywords: Keywords): Range {
  if (keywords.size > 0) throw new TemplateFailure('range() takes no keyword arguments');
  const given = positional.length === 1 ? [0n, ...positional] : positional;
  const [start, stop, step] = bind('range', [['start'], ['stop'], ['step', 1n]], given, keywords).map(
    (value) => asInt(value, 'range()'),
  );
  if (step === 0n) throw new TemplateFailure('range() arg 3 must not be zero');
  const distance = step > 0n ? stop - start : start - stop;
  const size = step > 0n ? step : -step;
  const length = distance <= 0n ? 0n : (distance + size - 1n) / size;
  if (length > MAX_RANGE) {
    throw new TemplateFailure(`Range too big. The sandbox blocks ranges larger than ${MAX_RANGE}.`);
  }
  return new Range(start, step, toIndex(length), stop);
}

function dict(positional: readonly Value[], keywords: Keywords): Dict {
  if (positional.length > 1) {
    throw new TemplateFailure(`dict expected at most 1 argument, got ${positional.length}`);
  }
  const result = new Dict();
  const [source] = positional;
  if (source instanceof Undefined) source.fail();
  if (source instanceof Dict) {
    hold(source.size);
    for (const [key, value] of source.entries()) result.set(key, value);
  } else if (source !== undefined) {
    for (const pair of iterate(source)) {
      const items = [...iterate(pair)];
      if (items.length !== 2) throw new TemplateFailure('a pair of a dict must have two items');
      result.set(items[0], items[1]);
    }
  }
  for (const [key, value] of keywords) result.set(key, value);
  return result;
}
