import { bind, type Parameter } from './arguments.ts';
import type { Keywords, Value } from './values.ts';

/** What `value | name(…)` does. */
export interface Filter {
  /** @param name as the template calls it, for messages. */
  run(value: Value, positional: readonly Value[], keywords: Keywords, name: string): Value;
}

/** A filter with a fixed list of parameters, whose values `run` takes in their order. */
export function filter(
  parameters: readonly Parameter[],
  run: (value: Value, ...values: Value[]) => Value,
): Filter {
  return {
    run: (value, positional, keywords, name) =>
      run(value, ...bind(`filter ${name}`, parameters, positional, keywords)),
  };
}
