import type { ErrorMap, VerdictCase } from '../../verdict.ts';
import { escapeMarkup, formatFigure } from '../words.ts';

/** Upper bounds of the steps of the scale, in units of the class's noise. */
const STEPS = [1, 2, 4, 16, 64] as const;
/** Words beside the colours. */
const STEP_NAMES = [
  'at most the noise',
  'up to 2 ×',
  'up to 4 ×',
  'up to 16 ×',
  'up to 64 ×',
  'more than 64 ×',
];
/** More columns cannot be distinguished on a phone: positions are joined, and the largest error counts. */
const MAX_COLUMNS = 64;
/** Adjacent positions in one column. */
interface Column {
  readonly first: number;
  readonly last: number;
  /** Indices into `positions`. */
  readonly indices: readonly number[];
}

/**
 * The error of one case: a line of cells for each stage, a cell for each position, the first divergence
 * marked.
 */
export function renderErrorMap({ id, map, first }: VerdictCase & { map: ErrorMap }): string {
  const columns = joinPositions(map.positions);
  const marked = first && markOf(map, columns, first);
  const lines = map.stages.map((stage, row) => {
    const cells = columns.map((column, x) => {
      const ratio = largest(column.indices.map((i) => map.ratios[row][i]));
      const figure = ratio === null ? 'not finite' : `${formatFigure(ratio)} × the noise`;
      const title = escapeMarkup(`${stage}, ${positionsOf(column)}: ${figure}`);
      return `<rect class="${stepClass(ratio)}" x="${x}" width="0.94" height="1"><title>${title}</title></rect>`;
    });
    const mark =
      marked?.row === row
        ? `<rect class="first" data-stage="${escapeMarkup(stage)}" data-position="${first!.position}" x="${marked.column}" width="0.94" height="1"/>`
        : '';
    // A short prompt has wide cells; a line is never wider than the page.
    return `<span>${escapeMarkup(stage)}</span><svg viewBox="0 0 ${Math.max(columns.length, MAX_COLUMNS / 2)} 1" preserveAspectRatio="none">${cells.join('')}${mark}</svg>`;
  });
  const [begin, end] = [map.positions[0], map.positions.at(-1)];
  const label = escapeMarkup(`errors of ${id} by stage and position`);
  return `<div class="map" data-case="${escapeMarkup(id)}" role="img" aria-label="${label}">${lines.join('')}<span></span><span class="soft">positions ${begin} to ${end}</span></div>`;
}

/** The cell in which subject and reference part first; undefined if the map does not reach there. */
function markOf(
  map: ErrorMap,
  columns: readonly Column[],
  { what, position }: NonNullable<VerdictCase['first']>,
) {
  const column = columns.findIndex(({ first, last }) => first <= position && position <= last);
  const row = map.stages.indexOf(what);
  // What is no stage (a probability, a greedy token) shows in the last one.
  return column < 0 ? undefined : { column, row: row < 0 ? map.stages.length - 1 : row };
}

/** What the colours mean. */
export function renderLegend(): string {
  const entries = STEP_NAMES.map(
    (name, step) =>
      `<span><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="e${step}" width="12" height="12"/></svg>${name}</span>`,
  );
  return `<div class="legend soft">${entries.join('')}<span><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="first" x="1" y="1" width="10" height="10"/></svg>parts here first</span></div>`;
}

function joinPositions(positions: readonly number[]): Column[] {
  const width = Math.max(1, Math.ceil(positions.length / MAX_COLUMNS));
  return Array.from({ length: Math.ceil(positions.length / width) }, (_, column) => {
    const from = column * width;
    const to = Math.min(positions.length, from + width);
    const indices = Array.from({ length: to - from }, (_, i) => from + i);
    return { first: positions[from], last: positions[to - 1], indices };
  });
}

/** The largest; null, which stands for what is not finite, is larger than all. */
function largest(values: readonly (number | null)[]): number | null {
  return values.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)));
}

function positionsOf({ first, last }: Column): string {
  return first === last ? `position ${first}` : `positions ${first} to ${last}`;
}

function stepClass(ratio: number | null): string {
  if (ratio === null) return 'e-none';
  const step = STEPS.findIndex((bound) => ratio <= bound);
  return `e${step < 0 ? STEPS.length : step}`;
}
