import { bugTitle } from '../signatures/bugs.ts';
import { assess } from './assess.ts';
import { foundBugs, judgeBugs } from './bug-verdicts.ts';
import type { Judgement, JudgeOptions, Reference, SubjectCase } from './judgement.ts';
import { judgePower } from './power.ts';

/**
 * What is concluded from a subject's answers. It depends on the answers alone: not on the order of cases or
 * rows, nor on a constant added to a row.
 *
 * - Wrong: an answer is malformed, errors are more than a class's noise explains, a known bug is found, or
 *   a greedy token is no near-tie.
 * - Unknown: nothing could be compared, or a fault put into the answers would have been let pass.
 */
export function judge(
  subject: readonly SubjectCase[],
  reference: Reference,
  options: JudgeOptions = {},
): Judgement {
  const inOrder = subject.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { rows, generatedRows, ...assessment } = assess(inOrder, reference, options);
  const scored = judgeBugs(rows, reference, { mustExplain: options.isUnstable });
  // A bug of decoding alone shows in no row of a prompt.
  const isOpen = foundBugs(scored).length === 0 && assessment.greedy.verdict === 'wrong';
  const decoded = isOpen ? judgeBugs(generatedRows, reference, { mustExplain: true }) : [];
  const bugs = scored.map((bug) => foundBugs(decoded).find(({ name }) => name === bug.name) ?? bug);
  const found = foundBugs(bugs);
  const about = assessment.precision?.about ?? options.precision ?? 'bf16';
  const power = judgePower(inOrder, reference, about);
  const reasons = [
    ...found.map(
      ({ name, coefficient, standardError }) =>
        `bug ${name}${describe(name)}: coefficient ${coefficient.toFixed(2)} ± ${standardError.toFixed(2)}`,
    ),
    ...assessment.reasons,
    ...power.missed.map((fault) => `the power check failed: "${fault}" would have been let pass`),
  ];
  const unknown = assessment.verdict === 'unknown' || power.missed.length > 0 || power.of === 0;
  const wrong = assessment.verdict === 'wrong' || found.length > 0;
  return { ...assessment, verdict: wrong ? 'wrong' : unknown ? 'unknown' : 'right', reasons, bugs, power };
}

function describe(bug: string): string {
  const title = bugTitle(bug);
  return title === undefined ? '' : ` (${title})`;
}
