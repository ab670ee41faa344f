import { asText, bind } from './arguments.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import type { Filter } from './filter.ts';
import { getter, LIST_FILTERS } from './list-filters.ts';
import { NUMBER_FILTERS } from './number-filters.ts';
import { hasTest, runTest } from './tests.ts';
import { TEXT_FILTERS } from './text-filters.ts';
import { Generator, hashed, iterate, type Keywords, truthy, type Value } from './values.ts';

/** jinja2's filters that this implementation does not imitate. */
const REFUSED = ['pprint', 'random', 'striptags', 'urlize', 'wordwrap', 'xmlattr'];

const FILTERS: Readonly<Record<string, Filter>> = {
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...LIST_FILTERS,
  map: { run: (value, positional, keywords) => lazily(value, () => mapper(positional, keywords)) },
  select: chooser({ ofAttribute: false, wanted: true }),
  reject: chooser({ ofAttribute: false, wanted: false }),
  selectattr: chooser({ ofAttribute: true, wanted: true }),
  rejectattr: chooser({ ofAttribute: true, wanted: false }),
};

/** Whether jinja2 has a filter of this name. */
export function hasFilter(name: string): boolean {
  return Object.hasOwn(FILTERS, name) || REFUSED.includes(name);
}

/** Whether jinja2 has a test of this name. */
export function knowsTest(name: string): boolean {
  return name === 'filter' || name === 'test' || hasTest(name);
}

/** `value | name(…)`. @throws TemplateFailure if there is no such filter, or Python refuses the operands. */
export function callFilter(
  name: string,
  value: Value,
  positional: readonly Value[],
  keywords: Keywords,
): Value {
  if (REFUSED.includes(name)) unsupported(`the filter ${name}`);
  if (!Object.hasOwn(FILTERS, name)) throw new TemplateFailure(`No filter named '${name}'.`);
  return FILTERS[name].run(value, positional, keywords, name);
}

/** `value is name(…)`. @throws TemplateFailure if there is no such test, or it refuses its arguments. */
export function callTest(
  name: string,
  value: Value,
  positional: readonly Value[],
  keywords: Keywords,
): boolean {
  if (name === 'filter' || name === 'test') {
    bind(`test ${name}`, [], positional, keywords);
    return isNameOf(value, name === 'filter' ? hasFilter : knowsTest);
  }
  return runTest(name, value, positional, keywords);
}

/** jinja2 looks the value up in a dict: what is no string is the name of nothing. */
function isNameOf(value: Value, has: (name: string) => boolean): boolean {
  const key = hashed(value);
  return typeof key === 'string' && has(key);
}

/** Items that are computed when they are taken, as by Python's generators. */
function lazily(value: Value, prepare: () => (item: Value) => Value | undefined): Generator {
  function* items(): Iterable<Value> {
    if (!truthy(value)) return;
    const step = prepare();
    for (const item of iterate(value)) {
      const result = step(item);
      if (result !== undefined) yield result;
    }
  }
  return new Generator(items());
}

function mapper(positional: readonly Value[], keywords: Keywords): (item: Value) => Value {
  const attributeName = keywords.get('attribute');
  if (positional.length === 0 && attributeName !== undefined) {
    const extra = [...keywords.keys()].find((key) => key !== 'attribute' && key !== 'default');
    if (extra !== undefined) throw new TemplateFailure(`Unexpected keyword argument '${extra}'`);
    return getter(attributeName, keywords.get('default') ?? null);
  }
  if (positional.length === 0) throw new TemplateFailure('map requires a filter argument');
  const [name, ...rest] = positional;
  return (item) => callFilter(asText(name, 'the name of a filter'), item, rest, keywords);
}

function chooser(choice: { ofAttribute: boolean; wanted: boolean }): Filter {
  return { run: (value, positional, keywords) => chosen(value, [positional, keywords], choice) };
}

function chosen(
  value: Value,
  [positional, keywords]: [readonly Value[], Keywords],
  { ofAttribute, wanted }: { ofAttribute: boolean; wanted: boolean },
): Generator {
  return lazily(value, () => {
    if (ofAttribute && positional.length === 0) {
      throw new TemplateFailure('Missing parameter for attribute name');
    }
    const get = ofAttribute ? getter(positional[0]) : (item: Value) => item;
    const [name, ...rest] = ofAttribute ? positional.slice(1) : positional;
    const test = (item: Value) =>
      name === undefined ? truthy(item) : callTest(asText(name, 'the name of a test'), item, rest, keywords);
    return (item) => (test(get(item)) === wanted ? item : undefined);
  });
}
