import { foundBugs } from '../../judge/bug-verdicts.ts';
import type { Verdict } from '../../verdict.ts';
import { describeBug, escapeMarkup, formatCoefficient } from '../words.ts';

/** Coefficients are drawn from −0.5 to 1.5; what is beyond ends at the edge. */
const LOWEST = -0.5;
const HIGHEST = 1.5;
/** Units of a track's width. */
const WIDTH = 200;

/** Coefficients of all bugs with twice their standard errors: 1 is "this bug", 0 "not this bug". */
export function renderBugChart(bugs: Verdict['bugs']): string {
  const found = foundBugs(bugs);
  const sentences = found.map((bug) => `<p><b>${escapeMarkup(describeBug(bug))}</b></p>`).join('');
  const rows = bugs.map((bug) => {
    const name = `<span class="name" title="${escapeMarkup(bug.title)}">${escapeMarkup(bug.name)}</span>`;
    return `<div class="bug">${name}<span class="track">${track(bug)}</span><span class="of">${bug.verdict}</span></div>`;
  });
  return `${sentences}<p class="soft">Lines at 0 (not this bug) and 1 (this bug); bars reach over two standard errors.</p>${rows.join('')}`;
}

function track(bug: Verdict['bugs'][number]): string {
  const axes = [0, 1]
    .map((at) => `<line class="axis" x1="${xOf(at)}" x2="${xOf(at)}" y1="0" y2="16"/>`)
    .join('');
  const marks =
    bug.coefficient === null || bug.standardError === null
      ? ''
      : estimate(bug, bug.coefficient, bug.standardError);
  return `<svg viewBox="0 0 ${WIDTH} 16" preserveAspectRatio="none">${axes}${marks}</svg>`;
}

function estimate(bug: Verdict['bugs'][number], coefficient: number, standardError: number): string {
  const found = bug.verdict === 'found' ? ' found' : '';
  const [from, to] = [coefficient - 2 * standardError, coefficient + 2 * standardError].map(xOf);
  const title = escapeMarkup(`${describeBug(bug)}: ${formatCoefficient(bug)}, ${bug.verdict}`);
  return (
    `<g><title>${title}</title><line class="bar${found}" x1="${from}" x2="${to}" y1="8" y2="8"/>` +
    `<rect class="dot${found}" data-bug="${escapeMarkup(bug.name)}" x="${(xOf(coefficient) - 1.5).toFixed(1)}" y="3" width="3" height="10"/></g>`
  );
}

function xOf(coefficient: number): number {
  const inside = Math.min(HIGHEST, Math.max(LOWEST, coefficient));
  return Number((((inside - LOWEST) / (HIGHEST - LOWEST)) * WIDTH).toFixed(1));
}
