import type { Verdict } from '../../verdict.ts';
import { escapeMarkup, formatFigure } from '../words.ts';

/** Names nearer than this, in percent of the scale, would cover each other: the second one goes lower. */
const NAME_WIDTH = 9;

/**
 * The classes on a logarithmic scale of noise, with the subject on it. A class's noise is the subject's error
 * over its ratio to that class.
 */
export function renderClassScale({ classes, class: found }: Verdict['precision']): string {
  const known = classes.flatMap((each) =>
    each.ratio !== null && each.ratio > 0 ? [{ ...each, ratio: each.ratio }] : [],
  );
  if (known.length === 0) return '';
  const places = known.map(({ ratio }) => -Math.log10(ratio));
  const [low, high] = [Math.min(0, ...places), Math.max(0, ...places)];
  const leftOf = (place: number) => Number(((100 * (place - low)) / (high - low || 1)).toFixed(1));
  let before = Number.NEGATIVE_INFINITY;
  const marks = known
    .map((each, i) => ({ ...each, left: leftOf(places[i]) }))
    .sort((a, b) => a.left - b.left)
    .map((each) => {
      const lower = each.left - before < NAME_WIDTH ? '<br>' : '';
      before = lower ? Number.NEGATIVE_INFINITY : each.left;
      const explains = each.holds ? ', which explains it' : '';
      const weak = each.judgeable ? '' : '; too large to judge by on this model';
      const title = `${each.class}: the error of the subject is ${formatFigure(each.ratio)} times its noise of ${formatFigure(each.noise)} nats${explains}${weak}`;
      const isFound = each.class === found;
      return `<div class="class${isFound ? ' found' : ''}" style="left:${each.left}%" title="${escapeMarkup(title)}">${lower}${each.class}${isFound ? ' ✓' : ''}</div>`;
    });
  return `<div class="scale" role="img" aria-label="the subject on the scale of precision classes"><div class="line"></div>${marks.join('')}<div class="subject" style="left:${leftOf(0)}%">subject<br>▼</div></div><p class="soft">From the most exact class on the left to the one with the most noise.</p>`;
}
