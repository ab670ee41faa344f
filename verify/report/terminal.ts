import type { Verdict, VerdictCase } from '../verdict.ts';
import {
  bugsWith,
  classesSentence,
  describeBug,
  formatCoefficient,
  formatPlace,
  greedyRows,
  headline,
  powerSentence,
  precisionSentence,
  promptSentence,
  terminalLine,
} from './words.ts';

/** Wrong cases that are listed, at most. */
const LISTED = 8;
/** Reasons that are listed, at most; the cases below say the rest. */
const REASONS = 4;

/** A short verdict for a terminal, the most important line first. */
export function renderTerminal(verdict: Verdict): string {
  const found = bugsWith(verdict, 'found');
  const blocks = [
    [headline(verdict), ...furtherReasons(verdict.reasons)],
    cases(verdict.cases),
    [
      row('prompt', promptLine(verdict)),
      row('precision', precisionSentence(verdict)),
      ...(verdict.precision.classes.length > 0 ? [row('classes', classesSentence(verdict))] : []),
      ...found.map((bug) => row('bug', `${describeBug(bug)}, coefficient ${formatCoefficient(bug)}`)),
      ...(verdict.bugs.length > 0 ? [row('bugs', countBugs(verdict))] : []),
      row('greedy', greedyLine(verdict)),
      ...verdict.consistency.map((each) => row('consistency', consistencyLine(each))),
      row('power', powerSentence(verdict)),
      row('reference', verdict.reference.description),
    ],
    verdict.unchecked.map(({ what, why }) => `not checked: ${what} (${why})`),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(terminalLine).join('\n'))
    .join('\n\n')}\n`;
}

function furtherReasons(reasons: readonly string[]): string[] {
  const lines = reasons.slice(1, REASONS).map((reason) => `  also: ${reason}`);
  if (reasons.length > REASONS) lines.push(`  … and ${reasons.length - REASONS} more reasons`);
  return lines;
}

function row(name: string, text: string): string {
  return `${name.padEnd(12)}${text}`;
}

function cases(all: readonly VerdictCase[]): string[] {
  const bad = all.filter(
    ({ verdict, outcome }) => verdict === 'wrong' || outcome === 'error' || outcome === 'no answer',
  );
  const lines = bad.slice(0, LISTED).map((each) => `  ✘ ${each.id}: ${reasonOf(each)}`);
  if (bad.length > LISTED) lines.push(`  … and ${bad.length - LISTED} more cases`);
  return lines;
}

/** Why a case is not right, in one line. */
export function reasonOf({ outcome, message, first, verdict }: VerdictCase): string {
  if (outcome !== 'result') return `${outcome}${message ? `: ${message}` : ''}`;
  return first ? formatPlace(first) : (message ?? verdict);
}

function promptLine({ prompt }: Verdict): string {
  if (prompt.cases.length === 0) return 'not checked';
  const wrong = prompt.cases.filter((each) => each.verdict === 'wrong');
  const [first] = wrong;
  const where = first
    ? `; ${first.id}${first.first ? `: ${formatPlace(first.first)}` : ''}${first.cause ? ` (${first.cause})` : ''}`
    : '';
  return `${promptSentence(prompt)}${where}`;
}

function countBugs(verdict: Verdict): string {
  const ruledOut = bugsWith(verdict, 'ruled out').length;
  const open = bugsWith(verdict, 'cannot tell').length;
  return `${verdict.bugs.length} known bugs: ${bugsWith(verdict, 'found').length} found, ${ruledOut} ruled out, ${open} cannot be told`;
}

function greedyLine({ greedy }: Verdict): string {
  if (greedy.verdict === 'not checked') return 'not checked';
  return `${greedy.verdict}: ${greedy.tokens} tokens, ${greedy.ties} near-ties${greedyRows(greedy)}`;
}

function consistencyLine({
  name,
  equalBits,
  largest,
  case: id,
  position,
  verdict,
}: Verdict['consistency'][number]): string {
  if (verdict === 'unknown') return `${name}: no answer`;
  if (equalBits) return `${name}: equal bits`;
  const where = id === undefined ? '' : `, from ${id} position ${position} on`;
  if (largest === null) return `${name}: ${verdict}, other tokens or an error${where}`;
  return `${name}: ${verdict}, at most ${largest.toExponential(1)} nats apart${where}`;
}
