/**
 * `strip`, `lstrip` and `rstrip` of Python strings, for chat templates.
 *
 * `@huggingface/jinja` (0.5.11, and through it transformers.js) knows these methods but ignores their
 * argument: it strips all white space where the template says `content.lstrip('\n')`. Qwen3's template does
 * so around thoughts and answers, so an answer that begins with an indented line of code would lose its
 * indentation, and the prompt would not be the one that HuggingFace's Python gives and the model was trained
 * on.
 */
const ENDS = {
  strip: { start: true, end: true },
  lstrip: { start: true, end: false },
  rstrip: { start: false, end: true },
} as const;

/** The functions that {@link honourStripArguments} makes a template call. */
export const STRIP_FUNCTIONS: Readonly<Record<string, (text: unknown, characters: unknown) => string>> =
  Object.fromEntries(
    Object.entries(ENDS).map(([method, ends]) => [
      functionName(method),
      (text: unknown, characters: unknown) => {
        if (typeof text === 'string' && typeof characters === 'string') return strip(text, characters, ends);
        throw new Error(`${method}() takes a string of characters to strip from a string`);
      },
    ]),
  );

/**
 * Rewrites, in place, every method call `x.strip(characters)` of a parsed template into a call of the
 * function of the same name in {@link STRIP_FUNCTIONS}. Without an argument the library's own method is
 * right.
 *
 * @param node a template's syntax tree (`Template.parsed`), or any part of it.
 */
export function honourStripArguments(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  // The tree's containers are plain fields, arrays, and a Map for the entries of an object literal.
  for (const child of node instanceof Map ? [...node].flat() : Object.values(node))
    honourStripArguments(child);
  if (!isMethodCallWithArguments(node)) return;
  const { object, property } = node.callee;
  if (!Object.hasOwn(ENDS, property.value)) return;
  node.args = [object, ...node.args];
  Object.assign(node, { callee: { ...property, value: functionName(property.value) } });
}

/** No template can define or call a variable of this name itself. */
function functionName(method: string): string {
  return `str.${method}`;
}

interface MethodCall {
  args: unknown[];
  readonly callee: { readonly object: unknown; readonly property: { readonly value: string } };
}

function isMethodCallWithArguments(node: object): node is MethodCall {
  const { type, args, callee } = node as Partial<Record<'type' | 'args' | 'callee', unknown>>;
  if (type !== 'CallExpression' || !Array.isArray(args) || args.length === 0) return false;
  const { type: calleeType, computed } = callee as { type: string; computed?: boolean };
  return calleeType === 'MemberExpression' && computed === false;
}

function strip(text: string, characters: string, ends: { start: boolean; end: boolean }): string {
  const points = [...text];
  const stripped = new Set(characters);
  let from = 0;
  let to = points.length;
  if (ends.start) while (from < to && stripped.has(points[from])) from++;
  if (ends.end) while (to > from && stripped.has(points[to - 1])) to--;
  return points.slice(from, to).join('');
}
