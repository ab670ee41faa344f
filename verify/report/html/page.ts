import type { ErrorMap, Verdict, VerdictCase } from '../../verdict.ts';
import { reasonOf } from '../terminal.ts';
import {
  escapeMarkup,
  formatCoefficient,
  formatFigure,
  formatPlace,
  greedyRows,
  headline,
  powerSentence,
  precisionSentence,
  promptSentence,
} from '../words.ts';
import { renderBugChart } from './bug-chart.ts';
import { renderClassScale } from './class-scale.ts';
import { renderErrorMap, renderLegend } from './error-map.ts';
import { STYLE } from './style.ts';

const SIGNS: Readonly<Record<Verdict['verdict'], string>> = { right: '✔', wrong: '✘', unknown: '?' };
/** Maps that are open when the page opens; the others are a click away. */
const OPEN_MAPS = 6;

/** A verdict as one page that opens from disk: nothing in it is fetched, and no script runs. */
export function renderPage(verdict: Verdict): string {
  const title = escapeMarkup(headline(verdict));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${STYLE}</style></head>
<body><main>
<div class="card banner ${verdict.verdict}"><h1><span class="word ${verdict.verdict}">${SIGNS[verdict.verdict]}</span> ${title}</h1>
${list(verdict.reasons.slice(1))}<p class="soft">${escapeMarkup(powerSentence(verdict))}. Reference: ${escapeMarkup(verdict.reference.description)}. Reached by ${escapeMarkup(verdict.subject.adapter)}.</p></div>
${section('Precision', `<p>${escapeMarkup(precisionSentence(verdict))}</p>${renderClassScale(verdict.precision)}${classTable(verdict.precision.classes)}`)}
${maps(verdict.cases)}
${verdict.bugs.length > 0 ? section('Known bugs', `${renderBugChart(verdict.bugs)}${bugTable(verdict.bugs)}`) : ''}
${section('Prompts', promptTable(verdict.prompt))}
${section('Greedy tokens', `<p>${escapeMarkup(greedySentence(verdict.greedy))}</p>`)}
${section('Consistency', consistencyTable(verdict.consistency))}
${section('Cases', caseTable(verdict.cases))}
${section('Not checked', list(verdict.unchecked.map(({ what, why }) => `${what}: ${why}`)) || '<p>Everything was checked.</p>')}
<p class="soft">plumbline ${escapeMarkup(verdict.versions.plumbline)}, Node ${escapeMarkup(verdict.versions.node)}</p>
</main></body></html>
`;
}

function section(title: string, html: string): string {
  return `<h2>${title}</h2><div class="card">${html}</div>`;
}

function list(texts: readonly string[]): string {
  return texts.length > 0 ? `<ul>${texts.map((text) => `<li>${escapeMarkup(text)}</li>`).join('')}</ul>` : '';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '<p>Not checked.</p>';
  const cells = (tag: string, texts: readonly string[]) =>
    texts.map((text) => `<${tag}>${text}</${tag}>`).join('');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')}</tbody></table>`;
}

function word(verdict: Verdict['verdict']): string {
  return `<span class="word ${verdict}">${SIGNS[verdict]} ${verdict}</span>`;
}

/** Maps of the cases that are not right come first. */
function maps(cases: readonly VerdictCase[]): string {
  const withMap = cases.filter((each): each is VerdictCase & { map: ErrorMap } => each.map !== undefined);
  if (withMap.length === 0) return '';
  const ordered = [...withMap].sort((a, b) => Number(a.verdict === 'right') - Number(b.verdict === 'right'));
  const one = (each: VerdictCase & { map: ErrorMap }) => {
    const where = each.first ? `parts first at ${formatPlace(each.first)}` : 'no divergence';
    return `<h3>${escapeMarkup(each.id)} ${word(each.verdict)} <span class="soft">${escapeMarkup(where)}</span></h3>${renderErrorMap(each)}`;
  };
  const rest = ordered.slice(OPEN_MAPS).map(one).join('');
  const more = rest
    ? `<details><summary>${ordered.length - OPEN_MAPS} more cases</summary>${rest}</details>`
    : '';
  const withStages = ordered.some(({ map }) => map.stages.length > 1);
  return section(
    withStages ? 'Error by stage and position' : 'Error by position',
    `${renderLegend()}${ordered.slice(0, OPEN_MAPS).map(one).join('')}${more}`,
  );
}

function classTable(classes: Verdict['precision']['classes']): string {
  if (classes.length === 0) return '';
  const rows = classes.map(({ class: name, noise, ratio, holds, judgeable }) => [
    name,
    `${formatFigure(noise)} nats${judgeable ? '' : ', too large to judge by on this model'}`,
    formatFigure(ratio),
    holds ? 'yes' : 'no',
  ]);
  return table(['class', 'its noise', 'error in units of it', 'explains the error'], rows);
}

function bugTable(bugs: Verdict['bugs']): string {
  const rows = bugs.map((bug) => [
    escapeMarkup(bug.name),
    escapeMarkup(bug.title),
    bug.verdict,
    formatCoefficient(bug),
  ]);
  return `<details><summary>As a table</summary>${table(['bug', 'what it is', 'verdict', 'coefficient'], rows)}</details>`;
}

function promptTable(prompt: Verdict['prompt']): string {
  const { cases } = prompt;
  const wrong = cases.filter(({ verdict }) => verdict !== 'right');
  const counted = `<p>${escapeMarkup(promptSentence(prompt))}.</p>`;
  if (cases.length === 0) return '<p>Not checked.</p>';
  const rows = wrong.map(({ id, verdict, first, cause }) => [
    escapeMarkup(id),
    word(verdict),
    escapeMarkup([first ? formatPlace(first) : '', cause ?? ''].filter(Boolean).join('; ')),
  ]);
  return rows.length > 0 ? counted + table(['prompt', 'verdict', 'first difference'], rows) : counted;
}

function greedySentence({ worst, ...greedy }: Verdict['greedy']): string {
  const { verdict, tokens, ties } = greedy;
  if (verdict === 'not checked') return 'Not checked.';
  const where = worst
    ? `; the largest regret is ${formatFigure(worst.regret)} nats at ${worst.case}, position ${worst.position}, where ${formatFigure(worst.allowed)} are allowed`
    : '';
  return `${verdict}: ${tokens} tokens compared, ${ties} near-ties${where}${greedyRows(greedy)}`;
}

function consistencyTable(all: Verdict['consistency']): string {
  const rows = all.map((each) => [
    escapeMarkup(each.name),
    word(each.verdict),
    each.verdict === 'unknown' ? '' : each.equalBits ? 'equal bits' : `${formatFigure(each.largest)} nats`,
    each.case === undefined ? '' : escapeMarkup(`${each.case}, position ${each.position}`),
  ]);
  return table(['the same request', 'verdict', 'largest change', 'begins at'], rows);
}

function caseTable(cases: readonly VerdictCase[]): string {
  const rows = cases.map((each) => [
    escapeMarkup(each.id),
    word(each.verdict),
    each.verdict === 'right' ? '' : escapeMarkup(reasonOf(each)),
  ]);
  return table(['case', 'verdict', 'why'], rows);
}
