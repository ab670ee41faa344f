import type { Verdict } from '../../verdict.ts';
import { escapeMarkup, formatFigure } from '../words.ts';

const WIDTH = 760;
const HEIGHT = 86;
const MARGIN = 40;
const LINE = 44;

/**
 * The classes on a logarithmic scale of noise, with the subject on it. A class's noise is the subject's error over its
 * ratio to that class.
 */
export function renderClassScale({ classes, class: found }: Verdict['precision']): string {
  const known = classes.filter(({ ratio }) => ratio !== null && ratio > 0) as {
    class: string;
    ratio: number;
    holds: boolean;
  }[];
  if (known.length === 0) return '';
  const places = known.map(({ ratio }) => -Math.log10(ratio));
  const [low, high] = [Math.min(0, ...places), Math.max(0, ...places)];
  const xOf = (place: number) =>
    Number((MARGIN + ((place - low) / (high - low || 1)) * (WIDTH - 2 * MARGIN)).toFixed(1));
  const marks = known.map((each, i) => {
    const x = xOf(places[i]);
    const title = `${each.class}: the subject's error is ${formatFigure(each.ratio)} times its noise${each.holds ? ', which explains it' : ''}`;
    return (
      `<g><title>${escapeMarkup(title)}</title><line class="bar" x1="${x}" x2="${x}" y1="${LINE - 8}" y2="${LINE + 8}"/>` +
      `<text x="${x}" y="${LINE + 24}" text-anchor="middle">${each.class}${each.class === found ? ' ✓' : ''}</text></g>`
    );
  });
  const x = xOf(0);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="the subject on the scale of precision classes"><line class="axis" x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${LINE}" y2="${LINE}"/>${marks.join('')}<path class="subject" d="M${x} ${LINE - 2} l-6 -12 h12 z"/><text x="${x}" y="${LINE - 20}" text-anchor="middle">subject</text><text class="soft" x="${MARGIN}" y="${HEIGHT - 2}">more exact</text><text class="soft" x="${WIDTH - MARGIN}" y="${HEIGHT - 2}" text-anchor="end">more noise</text></svg>`;
}
