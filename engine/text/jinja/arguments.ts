import { TemplateFailure } from './failure.ts';
import { type Keywords, typeName, type Value } from './values.ts';

/** A parameter's name, and its default if it may be left out. */
export type Parameter = readonly [name: string, fallback?: Value];

/**
 * Arguments in the order of the parameters.
 *
 * @throws TemplateFailure if one is missing, unknown, given twice, or too many.
 */
export function bind(
  name: string,
  parameters: readonly Parameter[],
  positional: readonly Value[],
  keywords: Keywords,
): Value[] {
  if (positional.length > parameters.length) {
    throw new TemplateFailure(
      `${name}() takes at most ${parameters.length} arguments (${positional.length} given)`,
    );
  }
  for (const key of keywords.keys()) {
    const index = parameters.findIndex(([parameter]) => parameter === key);
    if (index === -1) throw new TemplateFailure(`${name}() got an unexpected keyword argument '${key}'`);
    if (index < positional.length) {
      throw new TemplateFailure(`${name}() got multiple values for argument '${key}'`);
    }
  }
  return parameters.map(([parameter, fallback], i) => {
    const value = i < positional.length ? positional[i] : keywords.get(parameter);
    if (value !== undefined) return value;
    if (fallback !== undefined) return fallback;
    throw new TemplateFailure(`${name}() missing required argument: '${parameter}'`);
  });
}

/** @throws TemplateFailure if the value is no int; True and False are. */
export function asInt(value: Value, what: string): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return BigInt(value);
  throw new TemplateFailure(`${what} must be an int, not ${typeName(value)}`);
}

/** @throws TemplateFailure if the value is no string. */
export function asText(value: Value, what: string): string {
  if (typeof value === 'string') return value;
  throw new TemplateFailure(`${what} must be str, not ${typeName(value)}`);
}
