import { escapeControls } from '../../engine/errors.ts';
import { NUMBER_OF_TOKENS } from '../prompts/judge-prompts.ts';
import type { Verdict } from '../verdict.ts';

/** The sentences that every report has in common. */

/** The first line: right, wrong or unknown, and the most important reason. */
export function headline(verdict: Verdict): string {
  const { subject, model, reasons } = verdict;
  const name = subject.version ? `${subject.name} ${subject.version}` : subject.name;
  const because = reasons.length > 0 ? `: ${reasons[0]}` : '';
  if (verdict.reference.kind === 'itself')
    return `${verdict.verdict.toUpperCase()}: ${sameness(verdict, name)}${because}`;
  if (verdict.verdict === 'right')
    return `RIGHT: ${name} computes ${model.name} ${asClass(verdict)}${because}`;
  if (verdict.verdict === 'wrong') return `WRONG: ${name} does not compute ${model.name}${because}`;
  return `UNKNOWN: nothing could be concluded about ${name} on ${model.name}${because}`;
}

/** The first sentence of a run without a reference: it says nothing of what is right. */
function sameness({ verdict }: Verdict, name: string): string {
  if (verdict === 'unknown') return `nothing could be concluded about the consistency of ${name}`;
  return verdict === 'right' ? `${name} answers the same however it is asked` : `${name} is not consistent`;
}

function asClass({ precision }: Verdict): string {
  return precision.class === null ? '(precision not checked)' : `as ${precision.class} does`;
}

/** How many prompts are right, in a sentence. */
export function promptSentence({ cases }: Verdict['prompt']): string {
  const right = cases.filter(({ verdict }) => verdict === 'right').length;
  const counted = cases.every(({ by }) => by === NUMBER_OF_TOKENS);
  const have = counted ? "have as many tokens as HuggingFace's" : "have HuggingFace's ids";
  return `${right} of ${cases.length} texts and conversations ${have}`;
}

/** What was found of precision, in a sentence. */
export function precisionSentence({ precision }: Verdict): string {
  const { demanded } = precision;
  if (precision.class === null) return 'not checked';
  const found =
    precision.class === 'none'
      ? `no precision class explains the errors${demanded ? ` (${demanded} was demanded)` : ''}`
      : `${precision.class}${demanded && demanded !== precision.class ? ` (${demanded} was demanded)` : ''}`;
  return `${found}; the median error is ${formatFigure(precision.ratio)} times the noise of ${reference(precision)}`;
}

/** The noise of each class on the compared rows, and which of them it is too large to judge by. */
export function classesSentence({ precision: { classes } }: Verdict): string {
  const list = classes.map(
    ({ class: name, noise, judgeable }) =>
      `${name} ${formatFigure(noise)}${judgeable ? '' : ' (too large to judge by)'}`,
  );
  return `noise in nats: ${list.join(', ')}`;
}

/** @returns e.g. `rope-theta-x10: RoPE theta is ten times too large`. */
export function describeBug({ name, title }: Pick<Verdict['bugs'][number], 'name' | 'title'>): string {
  return title === name ? name : `${name}: ${title}`;
}

function reference(precision: Verdict['precision']): string {
  if (precision.class !== null && precision.class !== 'none') return precision.class;
  return precision.demanded ?? 'the nearest class';
}

/** What the rows of greedy tokens say, as it follows on the tokens; empty without rows. */
export function greedyRows({ rows }: Pick<Verdict['greedy'], 'rows'>): string {
  if (!rows) return '';
  return `; errors in their ${rows.compared} rows are ${formatFigure(rows.ratio)} times the noise`;
}

/** How many values were compared, and how many injected faults were refused. */
export function powerSentence({ power, compared }: Verdict): string {
  return (
    `${compared.values.toLocaleString('en')} values in ${compared.rows.toLocaleString('en')} rows were compared; ` +
    `${power.refused} of ${power.of} injected faults were refused`
  );
}

/** Bugs with a verdict, the largest coefficient first. */
export function bugsWith(verdict: Verdict, kind: Verdict['bugs'][number]['verdict']): Verdict['bugs'] {
  const size = (coefficient: number | null) => Math.abs(coefficient ?? 0);
  return verdict.bugs
    .filter((bug) => bug.verdict === kind)
    .sort((a, b) => size(b.coefficient) - size(a.coefficient));
}

/** @returns e.g. `0.98 ± 0.02`. */
export function formatCoefficient({ coefficient, standardError }: Verdict['bugs'][number]): string {
  return `${formatFigure(coefficient)} ± ${formatFigure(standardError)}`;
}

/** A number in at most three significant digits; `–` without a number. */
export function formatFigure(value: number | null): string {
  if (value === null) return '–';
  const digits = Number(value.toPrecision(3));
  return Math.abs(digits) >= 1e-4 || digits === 0 ? String(digits) : value.toExponential(1);
}

/** @returns e.g. `hidden_states.2, position 3: got 0.53, expected 0.52`. */
export function formatPlace({
  what,
  position,
  got,
  expected,
}: NonNullable<Verdict['cases'][number]['first']>): string {
  const show = (value: number | string) =>
    typeof value === 'number' ? formatFigure(value) : JSON.stringify(value);
  return `${what}, position ${position}: got ${show(got)}, expected ${show(expected)}`;
}

/** Escapes text for HTML and XML, attributes included; characters that XML forbids become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A line for a terminal: engines write what they like, and a control character would be obeyed. */
export function terminalLine(text: string): string {
  return escapeControls(text.replaceAll('\n', ' '));
}
