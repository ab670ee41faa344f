/**
 * Which of some names a part of a syntax tree uses as variables.
 *
 * @param part a node, or a list of nodes.
 */
export function mentions(part: unknown, names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const parts: unknown[] = [part];
  while (parts.length > 0) {
    const next = parts.pop();
    if (typeof next !== 'object' || next === null) continue;
    const { kind, name } = next as { kind?: unknown; name?: unknown };
    if (kind === 'name' && typeof name === 'string' && names.includes(name)) found.add(name);
    parts.push(...Object.values(next));
  }
  return found;
}
