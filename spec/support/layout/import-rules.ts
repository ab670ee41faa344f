import { type Architecture, fits } from './architecture.ts';
import { importsOf, type Sources } from './imports.ts';

/** One line for each import that the tables do not allow. */
export function wrongImports(sources: Sources, architecture: Architecture): string[] {
  return [...sources.keys()].flatMap((from) =>
    importsOf(from, sources).flatMap((to) => {
      const [row] = [...architecture.arrows]
        .filter(([name]) => fits(name, from))
        .sort(([a], [b]) => b.length - a.length);
      if (!row) return [`${from} is in no row of the table "may import from" in ARCHITECTURE.md`];
      if (!row[1].some((name) => fits(name, to))) return [`${from} must not import ${to}`];
      return from.startsWith('engine/') && to.startsWith('engine/') ? wrongStep(from, to, architecture) : [];
    }),
  );
}

/** Files see their own part and the parts of lower layers. */
function wrongStep(from: string, to: string, { layers }: Architecture): string[] {
  const [above, below] = [from, to].map((path) => {
    const layer = layers.findIndex((parts) => parts.flat().some((name) => fits(name, path)));
    return { path, layer, part: layers[layer]?.findIndex((names) => names.some((name) => fits(name, path))) };
  });
  const homeless = [above, below].find(({ layer }) => layer < 0);
  if (homeless) return [`${homeless.path} is in no part of the engine in ARCHITECTURE.md`];
  if (above.layer > below.layer || (above.layer === below.layer && above.part === below.part)) return [];
  return [`${from} must not import ${above.layer === below.layer ? 'sideways' : 'upward'} from ${to}`];
}

/** Names in the tables that no source has. */
export function staleNames(sources: Sources, { arrows, layers }: Architecture): string[] {
  const names = [...arrows.keys(), ...[...arrows.values()].flat(), ...layers.flat(2)];
  return [...new Set(names)].filter((name) => ![...sources.keys()].some((path) => fits(name, path)));
}
