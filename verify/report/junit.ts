import { isClassRight } from '../judge/precision-verdict.ts';
import type { Verdict, VerdictCase } from '../verdict.ts';
import { reasonOf } from './terminal.ts';
import { escapeMarkup, greedyRows, headline, precisionSentence } from './words.ts';

interface TestCase {
  name: string;
  failure?: string;
  error?: string;
  skipped?: string;
}

/** JUnit XML as CI servers read it: one test for each question, one for each case. */
export function renderJunit(verdict: Verdict): string {
  const suites = [suite('questions', questions(verdict)), suite('cases', verdict.cases.map(testOfCase))];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeMarkup(headline(verdict))}">\n${suites.join('')}</testsuites>\n`;
}

function questions(verdict: Verdict): TestCase[] {
  const { prompt, precision, bugs, greedy, consistency, power } = verdict;
  const tests: TestCase[] = [ofVerdict('verdict', verdict.verdict, verdict.reasons.join('; '))];
  tests.push(
    ofVerdict(
      'prompt',
      prompt.cases.length > 0 ? prompt.verdict : 'unknown',
      "ids differ from HuggingFace's",
    ),
  );
  const { class: found } = precision;
  const precisionVerdict =
    found === null ? 'unknown' : isClassRight({ ...precision, class: found }) ? 'right' : 'wrong';
  tests.push(ofVerdict('precision', precisionVerdict, precisionSentence(verdict)));
  for (const bug of bugs) {
    const found = { found: 'wrong', 'ruled out': 'right', 'cannot tell': 'unknown' } as const;
    tests.push(
      ofVerdict(`bug: ${bug.name}`, found[bug.verdict], `${bug.title}: coefficient ${bug.coefficient}`),
    );
  }
  const { worst } = greedy;
  const regret = worst
    ? `${worst.case}, position ${worst.position}: regret ${worst.regret}`
    : 'no other token';
  tests.push(
    ofVerdict(
      'greedy',
      greedy.verdict === 'not checked' ? 'unknown' : greedy.verdict,
      regret + greedyRows(greedy),
    ),
  );
  for (const each of consistency) {
    tests.push(ofVerdict(`consistency: ${each.name}`, each.verdict, `${each.largest} nats apart`));
  }
  const missed = `let pass: ${power.missed.join(', ')}`;
  tests.push(
    ofVerdict('power', power.of === 0 ? 'unknown' : power.refused === power.of ? 'right' : 'wrong', missed),
  );
  return tests;
}

function ofVerdict(name: string, verdict: Verdict['verdict'], why: string): TestCase {
  if (verdict === 'right') return { name };
  return verdict === 'wrong' ? { name, failure: why } : { name, skipped: 'not checked' };
}

function testOfCase(each: VerdictCase): TestCase {
  const name = each.id;
  if (each.outcome === 'skipped') return { name, skipped: each.message ?? 'skipped' };
  if (each.outcome !== 'result') return { name, error: reasonOf(each) };
  if (each.verdict === 'wrong') return { name, failure: reasonOf(each) };
  return each.verdict === 'right' ? { name } : { name, skipped: each.message ?? 'nothing was compared' };
}

function suite(name: string, tests: readonly TestCase[]): string {
  const count = (kind: keyof TestCase) => tests.filter((test) => test[kind] !== undefined).length;
  const head = `  <testsuite name="${name}" tests="${tests.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}">\n`;
  return `${head}${tests.map((test) => element(name, test)).join('')}  </testsuite>\n`;
}

function element(suiteName: string, { name, failure, error, skipped }: TestCase): string {
  const message = (kind: string, text: string | undefined) =>
    text === undefined ? '' : `<${kind} message="${escapeMarkup(text)}"/>`;
  const inside = message('failure', failure) + message('error', error) + message('skipped', skipped);
  const open = `    <testcase classname="plumbline-verify.${suiteName}" name="${escapeMarkup(name)}"`;
  return inside ? `${open}>${inside}</testcase>\n` : `${open}/>\n`;
}
