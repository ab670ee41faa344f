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
/** More columns are not told apart on a phone: positions are joined, and the largest error counts. */
const MAX_COLUMNS = 64;
const CELL = 14;
/** Width that the names of stages take. */
const MARGIN = 120;
/** A row is as wide as this, however few its columns are, so that the letters of all maps have one size. */
const COLUMNS_WIDTH = MAX_COLUMNS * CELL;

/** Adjacent positions in one column. */
interface Column {
  readonly first: number;
  readonly last: number;
  /** Indices into `positions`. */
  readonly indices: readonly number[];
}

/** The error of one case over stage and position, the first divergence marked. */
export function renderErrorMap({ id, map, first }: VerdictCase & { map: ErrorMap }): string {
  const columns = joinPositions(map.positions);
  const height = map.stages.length * CELL + 18;
  const cells = map.stages.flatMap((stage, row) =>
    columns.map((column, x) => {
      const ratio = largest(column.indices.map((i) => map.ratios[row][i]));
      const title = `${stage}, ${positionsOf(column)}: ${ratio === null ? 'not finite' : `${formatFigure(ratio)} × the noise`}`;
      return `<rect class="${stepClass(ratio)}" x="${MARGIN + x * CELL}" y="${row * CELL}" width="${CELL - 1}" height="${CELL - 1}"><title>${escapeMarkup(title)}</title></rect>`;
    }),
  );
  const names = map.stages.map(
    (stage, row) => `<text x="0" y="${row * CELL + 10}">${escapeMarkup(stage)}</text>`,
  );
  const ends = columns.length
    ? `<text class="soft" x="${MARGIN}" y="${height - 4}">position ${columns[0].first}</text>` +
      `<text class="soft" x="${MARGIN + columns.length * CELL}" y="${height - 4}" text-anchor="${columns.length < 12 ? 'start' : 'end'}">${columns.at(-1)!.last}</text>`
    : '';
  const label = `errors of ${id} by stage and position`;
  return `<svg data-case="${escapeMarkup(id)}" viewBox="0 0 ${MARGIN + COLUMNS_WIDTH} ${height}" role="img" aria-label="${escapeMarkup(label)}">${cells.join('')}${firstMark(map, columns, first)}${names.join('')}${ends}</svg>`;
}

/** The frame around the cell in which subject and reference part first. */
function firstMark(map: ErrorMap, columns: readonly Column[], first: VerdictCase['first']): string {
  if (!first) return '';
  const x = columns.findIndex((column) => column.first <= first.position && first.position <= column.last);
  const row = map.stages.indexOf(first.what);
  if (x < 0) return '';
  const stage = row < 0 ? map.stages.length - 1 : row;
  return `<rect class="first" data-stage="${escapeMarkup(map.stages[stage])}" data-position="${first.position}" x="${MARGIN + x * CELL}" y="${stage * CELL}" width="${CELL - 1}" height="${CELL - 1}"/>`;
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
