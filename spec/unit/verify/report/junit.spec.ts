import test from 'ava';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { renderJunit } from '../../../../verify/report/junit.ts';
import type { Verdict } from '../../../../verify/verdict.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

interface TestCase {
  name: string;
  failure?: { message: string };
  error?: { message: string };
  skipped?: { message: string };
}

/** The tests of a report by their names, as another program reads them. */
function testsOf(verdict: Verdict): Map<string, TestCase> {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => name === 'testcase' || name === 'testsuite',
  });
  const { testsuites } = parser.parse(renderJunit(verdict));
  const suites: { testcase: TestCase[] }[] = testsuites.testsuite;
  return new Map(suites.flatMap(({ testcase }) => testcase.map((each) => [each.name, each])));
}

test('reports are well-formed XML, whatever an engine calls itself', (t) => {
  for (const verdict of [RIGHT, WRONG, UNKNOWN]) t.true(XMLValidator.validate(renderJunit(verdict)));
});

test('a right engine has no failure', (t) => {
  const tests = [...testsOf(RIGHT).values()];
  t.true(tests.length > 8);
  t.deepEqual(
    tests.filter(({ failure, error }) => failure || error),
    [],
  );
});

test('bugs that are found, wrong cases and a wrong class are failures with their reasons', (t) => {
  const tests = testsOf(WRONG);
  t.is(
    tests.get('bug: sliding window of 64')?.failure?.message,
    'attention sees the last 64 <positions> only: coefficient 1',
  );
  t.is(tests.get('ids-longer')?.failure?.message, 'hidden_states.2, position 64: got 0.53, expected 0.52');
  t.regex(tests.get('precision')?.failure?.message ?? '', /no precision class explains/);
  t.regex(tests.get('greedy')?.failure?.message ?? '', /ids-longer, position 80: regret 1.7/);
  t.truthy(tests.get('verdict')?.failure);
});

test('a case without an answer is an error, and a case that was not asked is skipped', (t) => {
  t.is(testsOf(WRONG).get('ids-thousand')?.error?.message, 'no answer: the program ended with exit code 139');
  t.is(testsOf(UNKNOWN).get('ids-one')?.skipped?.message, 'the server takes text alone');
});

test('checks that were not made are skipped, never passed', (t) => {
  const tests = testsOf(UNKNOWN);
  for (const name of ['verdict', 'prompt', 'precision', 'greedy', 'power'])
    t.truthy(tests.get(name)?.skipped, name);
  t.truthy(testsOf(RIGHT).get('bug: eps times 10')?.skipped);
  const nothing = { ...RIGHT, cases: [{ ...RIGHT.cases[0], verdict: 'unknown' as const }] };
  t.is(testsOf(nothing).get('ids-one')?.skipped?.message, 'nothing was compared');
});

test('the counts of a suite are those of its tests', (t) => {
  t.regex(renderJunit(WRONG), /<testsuite name="cases" tests="4" failures="1" errors="1" skipped="0">/);
  // Four different numbers.
  const [right] = RIGHT.cases;
  const wrong = { ...right, verdict: 'wrong' as const };
  const broken = { ...wrong, outcome: 'error' as const, message: 'NaN' };
  const skipped = { ...right, outcome: 'skipped' as const, verdict: 'unknown' as const };
  const cases = [right, wrong, broken, broken, skipped, skipped, skipped];
  t.regex(
    renderJunit({ ...WRONG, cases }),
    /<testsuite name="cases" tests="7" failures="1" errors="2" skipped="3">/,
  );
});

test('a precision that is more exact than the one demanded is no failure', (t) => {
  for (const demanded of ['bf16', '4bit'] as const) {
    const precision = { ...RIGHT.precision, class: 'f16', demanded } as const;
    t.falsy(testsOf({ ...RIGHT, precision }).get('precision')?.failure, demanded);
  }
});

test('a precision less exact than the one demanded, and faults let pass, are failures', (t) => {
  const precision = { ...RIGHT.precision, demanded: 'f16' as const };
  const power = { refused: 5, of: 6, missed: ['two answers exchanged'] };
  const tests = testsOf({ ...RIGHT, precision, power });
  t.truthy(tests.get('precision')?.failure);
  t.is(tests.get('power')?.failure?.message, 'let pass: two answers exchanged');
});
