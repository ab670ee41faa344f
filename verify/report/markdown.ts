import type { Verdict } from '../verdict.ts';
import { reasonOf } from './terminal.ts';
import {
  bugsWith,
  classesSentence,
  describeBug,
  formatCoefficient,
  headline,
  powerSentence,
  precisionSentence,
} from './words.ts';

const SIGNS: Readonly<Record<Verdict['verdict'], string>> = { right: '✅', wrong: '❌', unknown: '❔' };

/** A summary for a CI job's page (GitHub's `$GITHUB_STEP_SUMMARY`). */
export function renderMarkdown(verdict: Verdict): string {
  const found = bugsWith(verdict, 'found');
  const wrong = verdict.cases.filter((each) => each.verdict === 'wrong' || each.outcome !== 'result');
  const lines = [
    `### ${SIGNS[verdict.verdict]} ${escapeMarkdown(headline(verdict))}`,
    '',
    '| question | answer |',
    '|---|---|',
    tableRow('precision', precisionSentence(verdict)),
    ...(verdict.precision.classes.length > 0 ? [tableRow('classes', classesSentence(verdict))] : []),
    ...found.map((bug) =>
      tableRow('bug', `**${escapeMarkdown(describeBug(bug))}**, coefficient ${formatCoefficient(bug)}`),
    ),
    tableRow('known bugs', `${bugsWith(verdict, 'ruled out').length} of ${verdict.bugs.length} ruled out`),
    tableRow(
      'greedy tokens',
      `${verdict.greedy.verdict}, ${verdict.greedy.tokens} compared, ${verdict.greedy.ties} near-ties`,
    ),
    ...verdict.consistency.map((each) =>
      tableRow(
        'consistency',
        `${escapeMarkdown(each.name)}: ${each.equalBits ? 'equal bits' : each.verdict}`,
      ),
    ),
    tableRow('power', powerSentence(verdict)),
    tableRow('reference', escapeMarkdown(verdict.reference.description)),
  ];
  if (wrong.length > 0) {
    lines.push(
      '',
      `<details><summary>${wrong.length} of ${verdict.cases.length} cases are not right</summary>`,
      '',
    );
    lines.push(
      ...wrong.map((each) => `- \`${each.id}\`: ${escapeMarkdown(reasonOf(each))}`),
      '',
      '</details>',
    );
  }
  if (verdict.unchecked.length > 0) {
    const list = verdict.unchecked.map(({ what, why }) => `${what} (${why})`).join('; ');
    lines.push('', `Not checked: ${escapeMarkdown(list)}.`);
  }
  return `${lines.join('\n')}\n`;
}

function tableRow(name: string, text: string): string {
  return `| ${name} | ${text} |`;
}

/** Text of engines stays text: no markup, no cell borders, no new lines. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}
