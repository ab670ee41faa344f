import { holdText, spend } from './budget.ts';
import { sorted } from './comparison.ts';
import { TemplateFailure } from './failure.ts';
import { floatText, intText } from './represent.ts';
import { Dict, Markup, Tuple, typeName, type Value } from './values.ts';

/** Arguments of `json.dumps`. */
export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** Text that is repeated for each level; `null` writes all in one line. */
  readonly indent: string | null;
  /** Between items, and between a key and its value. */
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** `json.dumps(value, …)`. @throws TemplateFailure for what JSON cannot say. */
export function toJson(value: Value, options: JsonOptions, level = 0): string {
  spend();
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return intText(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return jsonString(value, options.ensureAscii);
  if (value instanceof Markup) return jsonString(value.text, options.ensureAscii);
  const [itemSeparator, keySeparator] = options.separators;
  const inner = (item: Value) => toJson(item, options, level + 1);
  let parts: string[];
  let brackets = '[]';
  if (Array.isArray(value)) parts = value.map(inner);
  else if (value instanceof Tuple) parts = value.items.map(inner);
  else if (value instanceof Dict) {
    brackets = '{}';
    const entries = [...value.entries()];
    const ordered = options.sortKeys ? sorted(entries, ([key]) => key) : entries;
    parts = ordered.map(
      ([key, item]) => jsonString(keyText(key), options.ensureAscii) + keySeparator + inner(item),
    );
  } else throw new TemplateFailure(`Object of type ${typeName(value)} is not JSON serializable`);
  if (parts.length === 0) return brackets;
  const { indent } = options;
  const line = indent === null ? '' : `\n${indent.repeat(level + 1)}`;
  const end = indent === null ? '' : `\n${indent.repeat(level)}`;
  const body = parts.join(itemSeparator + line);
  holdText(body.length);
  return brackets[0] + line + body + end + brackets[1];
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key;
  if (key instanceof Markup) return key.text;
  if (key === null) return 'null';
  if (typeof key === 'boolean') return key ? 'true' : 'false';
  if (typeof key === 'bigint') return intText(key);
  if (typeof key === 'number') return numberText(key);
  throw new TemplateFailure(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatText(value);
}

function jsonString(text: string, ensureAscii: boolean): string {
  holdText(text.length);
  const pattern = ensureAscii ? /["\\]|[^ -~]/g : /["\\\x00-\x1f]/g;
  const body = text.replace(
    pattern,
    (c) => SHORT[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${body}"`;
}
