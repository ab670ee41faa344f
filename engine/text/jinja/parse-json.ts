/**
 * `JSON.parse` without losing what Python keeps. Whole numbers beyond 2^53 become bigints, numbers with a
 * point or an exponent whose value is whole become `Number` objects, so that `1.0` stays a float, and an
 * object with a key such as `"10"`, which JavaScript would move to the front, becomes a Map.
 *
 * @throws SyntaxError as `JSON.parse` does.
 */
export function parseJson(text: string): unknown {
  if (!INTEGER_KEY.test(text)) return JSON.parse(text, exactNumber);
  // A mark before every key keeps them in order; of valid JSON, a string before a colon is a key.
  JSON.parse(text);
  const marked = text.replace(STRING, (string, colon) =>
    colon === undefined ? string : `"${MARK}${string.slice(1)}`,
  );
  return JSON.parse(marked, (key, value, context?: ReviverContext) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number)
      ? unmarked(value)
      : exactNumber(key, value, context),
  );
}

/** What `JSON.parse` gives for the same text as a value of {@link parseJson}. */
export function plainJson(value: unknown): unknown {
  if (value === 0n) return -0;
  if (typeof value === 'bigint' || value instanceof Number) return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plainJson);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, plainJson(inner)]));
}

const INTEGER = /^(?:0|[1-9]\d*)$/;
/** A key that is a whole number, or may be one behind escapes. */
const INTEGER_KEY = /"(?:\d+|[\d\\u]+)"\s*:/;
const STRING = /"(?:[^"\\]|\\.)*"(\s*:)?/g;
const MARK = ' ';

function unmarked(marked: object): object {
  const entries = Object.entries(marked).map(([key, value]) => [key.slice(MARK.length), value] as const);
  return entries.some(([key]) => INTEGER.test(key)) ? new Map(entries) : Object.fromEntries(entries);
}

/** What V8 tells a reviver of a primitive value; TypeScript's library does not know it yet. */
interface ReviverContext {
  readonly source?: string;
}

function exactNumber(_key: string, value: unknown, context?: ReviverContext): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  const { source } = context;
  if (/[.eE]/.test(source)) return Number.isInteger(value) ? Object(value) : value;
  return Number.isSafeInteger(value) && source !== '-0' ? value : BigInt(source);
}
