import { bind, type Parameter } from './arguments.ts';
import type { Keywords, Value } from './values.ts';

/** What `value | name(…)` does. */
export interface Filter {
  run(value: Value, positional: readonly Value[], keywords: Keywords): Value;
}

/** A filter with a fixed list of parameters, whose values `run` takes in their order. */
export function filter(
  parameters: readonly Parameter[],
  run: (value: Value, ...values: Value[]) => Value,
): Filter {
  return {
    run: (value, positional, keywords) => run(value, ...bind('the filter', parameters, positional, keywords)),
  };
}
