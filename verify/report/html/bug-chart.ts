import type { Verdict } from '../../verdict.ts';
import { escapeMarkup, formatCoefficient } from '../words.ts';

const ROW = 18;
const NAME_WIDTH = 300;
const WIDTH = 760;
/** Coefficients are drawn from −0.5 to 1.5; what is beyond ends at the edge. */
const LOWEST = -0.5;
const HIGHEST = 1.5;

/** Coefficients of all bugs with their standard errors: 1 is "this bug", 0 "not this bug". */
export function renderBugChart(bugs: Verdict['bugs']): string {
  const height = bugs.length * ROW + 22;
  const lines = [0, 1].map(
    (at) =>
      `<line class="axis" x1="${xOf(at)}" x2="${xOf(at)}" y1="0" y2="${height - 20}"/><text class="soft" x="${xOf(at)}" y="${height - 6}" text-anchor="middle">${at === 0 ? '0: not this bug' : '1: this bug'}</text>`,
  );
  const rows = bugs.map((bug, i) => {
    const y = i * ROW + 12;
    const isFound = bug.verdict === 'found' ? ' found' : '';
    const name = `<text x="0" y="${y + 1}">${escapeMarkup(shorten(bug.name))}</text>`;
    const word = `<text class="soft" x="${WIDTH}" y="${y + 1}" text-anchor="end">${bug.verdict}</text>`;
    if (bug.coefficient === null || bug.standardError === null) return name + word;
    const [from, to] = [bug.coefficient - 2 * bug.standardError, bug.coefficient + 2 * bug.standardError];
    const title = `<title>${escapeMarkup(`${bug.name}: ${formatCoefficient(bug)}, ${bug.verdict}`)}</title>`;
    return (
      `${name}<g>${title}<line class="bar${isFound}" x1="${xOf(from)}" x2="${xOf(to)}" y1="${y - 3}" y2="${y - 3}"/>` +
      `<circle class="dot${isFound}" data-bug="${escapeMarkup(bug.name)}" cx="${xOf(bug.coefficient)}" cy="${y - 3}" r="4"/></g>${word}`
    );
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="coefficients of known bugs">${lines.join('')}${rows.join('')}</svg>`;
}

function xOf(coefficient: number): number {
  const inside = Math.min(HIGHEST, Math.max(LOWEST, coefficient));
  const [left, right] = [NAME_WIDTH, WIDTH - 80];
  return Number((left + ((inside - LOWEST) / (HIGHEST - LOWEST)) * (right - left)).toFixed(1));
}

function shorten(name: string): string {
  return name.length > 46 ? `${name.slice(0, 45)}…` : name;
}
