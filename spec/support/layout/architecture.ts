/** The two tables of ARCHITECTURE.md: the only place where it stands what may import what. */
export interface Architecture {
  /** Names that a file's imports must fit, by the name that the file itself fits. */
  readonly arrows: ReadonlyMap<string, readonly string[]>;
  /**
   * The engine from the ground up: layers of parts, each a list of names, relative to the root of the
   * project.
   */
  readonly layers: readonly (readonly (readonly string[])[])[];
}

const ARROWS = ['a file in', 'may import from'];
const LAYERS = ['layer', 'parts of engine/', 'what lives there'];

/** @throws Error that says which table or cell cannot be read, and in what form it is expected. */
export function parseArchitecture(markdown: string): Architecture {
  const arrows = new Map<string, readonly string[]>();
  for (const [from, to] of tableOf(markdown, ARROWS)) {
    const [name, ...others] = namesIn(from);
    if (others.length > 0)
      throw new Error(`ARCHITECTURE.md: "${from}" is several names; expected one in a row`);
    if (arrows.has(name)) throw new Error(`ARCHITECTURE.md: \`${name}\` has two rows; expected one`);
    arrows.set(name, namesIn(to));
  }
  const layers = tableOf(markdown, LAYERS).map(([, parts]) =>
    parts
      .split(',')
      .map((room) => room.split('+').flatMap((name) => namesIn(name).map((n) => `engine/${n}`))),
  );
  return { arrows, layers };
}

/** Whether a name of the tables is a path's: the path itself, or a folder around it. */
export function fits(name: string, path: string): boolean {
  return name === path || (name.endsWith('/') && path.startsWith(name));
}

/** The cells of the table's rows, without its header. */
function tableOf(markdown: string, header: readonly string[]): string[][] {
  const cellsOf = (line: string) =>
    line
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => cell.trim());
  const lines = markdown.split('\n').map((line) => line.trim());
  const begin = lines.findIndex((line) => line.startsWith('|') && cellsOf(line).join() === header.join());
  const expected = `a table headed "| ${header.join(' | ')} |" with a row or more`;
  if (begin < 0) throw new Error(`ARCHITECTURE.md: found no such header; expected ${expected}`);
  const after = lines.slice(begin + 1);
  const end = after.findIndex((line) => !line.startsWith('|'));
  const [rule, ...rows] = end < 0 ? after : after.slice(0, end);
  if (!/^[|\s:-]+$/.test(rule ?? '') || rows.length === 0) {
    throw new Error(`ARCHITECTURE.md: found no rows below the header; expected ${expected}`);
  }
  return rows.map((row) => {
    const cells = cellsOf(row);
    if (cells.length === header.length) return cells;
    throw new Error(`ARCHITECTURE.md: "${row}" has ${cells.length} cells; expected ${header.length}`);
  });
}

/** The names of a cell, each in backquotes, with nothing but commas between them. */
function namesIn(cell: string): string[] {
  const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  if (names.length === 0 || cell.replaceAll(/`[^`]+`/g, '').replaceAll(/[\s,]/g, '') !== '') {
    throw new Error(`ARCHITECTURE.md: cannot read the names in "${cell}"; expected \`a/\`, \`b.ts\``);
  }
  return names;
}
