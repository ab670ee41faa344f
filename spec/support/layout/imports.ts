import { posix } from 'node:path';

/** Sources by their path from the root of the project, with "/" on every system. */
export type Sources = ReadonlyMap<string, string>;

/**
 * The files that a source names in imports, re-exports, dynamic imports and worker URLs, packages left out.
 */
export function importsOf(path: string, sources: Sources): string[] {
  const text = sources.get(path) ?? '';
  const statement = /^(?:import|export)\s+(?:[\w*{][\w\s,{}*$]*?\sfrom\s*)?['"](\.[^'"]+)['"]/gm;
  // Every call with a source's relative path counts: import(…), new URL(…), and helpers that start a thread
  // from a file.
  const expression = /\(\s*(?:import\.meta\.url,\s*)?['"](\.{1,2}\/[^'"]+\.ts)['"]/g;
  const names = [...text.matchAll(statement), ...text.matchAll(expression)].map(([, name]) => name);
  return names.map((name) => {
    const target = posix.join(posix.dirname(path), name);
    // AssemblyScript leaves out the ".ts".
    return sources.has(`${target}.ts`) ? `${target}.ts` : target;
  });
}

/** Each cycle once, as `a → b → a`. Cycles of types alone count: they tie two files into one all the same. */
export function importCycles(sources: Sources): string[] {
  const cycles: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    } else if (sources.has(path) && !finished.has(path)) {
      for (const next of importsOf(path, sources)) visit(next, [...trail, path]);
      finished.add(path);
    }
  };
  for (const path of sources.keys()) visit(path, []);
  return cycles;
}
