import { hold } from './budget.ts';
import { TemplateFailure } from './failure.ts';
import { Dict, type Value } from './values.ts';

/**
 * A value of a conversation as Python's `json.loads` would have it: whole numbers are ints, `Number` objects
 * are floats, and a Map is an object whose keys keep their order (see `parse-json.ts`).
 *
 * @throws TemplateFailure if it is something that JSON cannot say.
 */
export function fromJson(json: unknown): Value {
  hold(1);
  switch (typeof json) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return json;
    case 'number':
      // As its JSON is read: -0 is written 0, and beyond 1e21 there is an exponent.
      return Number.isInteger(json) && Math.abs(json) < 1e21 ? BigInt(String(json)) : json;
    case 'object':
      if (json === null) return null;
      if (json instanceof Number) return json.valueOf();
      if (Array.isArray(json)) return json.map(fromJson);
      return dictOf(json);
    default:
      throw new TemplateFailure(`cannot use a value of the type ${typeof json}; expected what JSON can say`);
  }
}

function dictOf(json: object): Dict {
  const dict = new Dict();
  for (const [key, value] of json instanceof Map ? json : Object.entries(json)) {
    // JSON has no undefined: a key with it is absent, as for JSON.stringify.
    if (value !== undefined) dict.set(key, fromJson(value));
  }
  return dict;
}
