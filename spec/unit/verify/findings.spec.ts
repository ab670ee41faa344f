import test from 'ava';
import type { AskedCase } from '../../../verify/ask/ask-cases.ts';
import { CHECKS } from '../../../verify/checks.ts';
import {
  allowedChange,
  firstAnswers,
  numbersOf,
  type StoppedRun,
  stoppedRun,
  subjectCases,
  tooLongOf,
  uncheckedOf,
  unreachedOf,
} from '../../../verify/findings.ts';
import type { Judgement } from '../../../verify/judge/judgement.ts';
import { type Verdict, verdictSchema } from '../../../verify/verdict.ts';
import { fakeSubject } from '../../support/verify/fake-subject.ts';

const row = { values: Float32Array.of(1, 2) };
const asked: AskedCase = {
  case: { id: 'one', promptIds: [1, 2], greedy: [3], positions: [0, 2] },
  forward: { kind: 'result', value: { rows: [row, row] } },
  generated: { kind: 'result', value: { tokens: [3], scores: [row] } },
};
const skipped = { kind: 'skipped', message: 'no' } as const;
const refused: AskedCase = { ...asked, case: { ...asked.case, refusal: 'empty' } };

const JUDGEMENT: Judgement = {
  verdict: 'right',
  reasons: [],
  precision: {
    class: 'bf16',
    about: 'bf16',
    ratio: 1,
    classes: [{ class: 'bf16', ratio: 1, noise: 0.05, holds: true, judgeable: true }],
    exceptions: [{ case: 'one', firstPosition: 0, lastPosition: 1, ratio: Number.POSITIVE_INFINITY }],
  },
  bugs: [
    { name: 'eps-x10', verdict: 'cannot tell', coefficient: 0, standardError: Number.POSITIVE_INFINITY },
    { name: 'a', verdict: 'ruled out', coefficient: 0, standardError: 0.1 },
  ],
  greedy: {
    verdict: 'wrong',
    tokens: 1,
    ties: 0,
    rows: { compared: 1, ratio: Number.NaN },
    worst: { case: 'one', position: 2, regret: Number.POSITIVE_INFINITY, allowed: 1 },
  },
  power: { refused: 1, of: 1, missed: [] },
  compared: { rows: 1, values: 2 },
  cases: [],
};

test('the judge is given rows by their positions, and tokens', (t) => {
  t.deepEqual(subjectCases([asked, refused], CHECKS), [
    {
      id: 'one',
      rows: [
        { position: 0, ...row },
        { position: 2, ...row },
      ],
      greedy: [3],
      greedyRows: [row],
    },
  ]);
});

test('the judge is given no more than the checks need', (t) => {
  t.deepEqual(subjectCases([asked], ['greedy']), [{ id: 'one', rows: [], greedy: [3] }]);
  t.false('greedy' in subjectCases([asked], ['bugs'])[0]);
  t.deepEqual(subjectCases([asked], ['prompt']), []);
  t.deepEqual(subjectCases([{ ...asked, forward: skipped, generated: skipped }], CHECKS), []);
});

test('first answers have what the subject gave', (t) => {
  t.deepEqual(firstAnswers([asked, refused]), [
    { case: asked.case, rows: [row, row], tokens: [3], scores: [row] },
  ]);
  t.deepEqual(firstAnswers([{ ...asked, forward: skipped, generated: skipped }]), [{ case: asked.case }]);
});

test('a sequence of one id has nothing to ask again; one of two has', (t) => {
  const of = (promptIds: number[], greedy: number[]): AskedCase => ({
    ...asked,
    case: { ...asked.case, promptIds, greedy },
  });
  t.deepEqual(firstAnswers([of([1], [])]), []);
  t.is(firstAnswers([of([1], [2])]).length, 1);
  t.is(firstAnswers([of([1, 2], [])]).length, 1);
});

test('answers may change by a few times the noise of the class', (t) => {
  t.is(allowedChange(JUDGEMENT), 8 * 0.05);
  const { precision, ...without } = JUDGEMENT;
  t.is(allowedChange(without), 8e-4);
  // No class holds: its noise is no measure, though the figures are about one.
  t.is(allowedChange({ ...without, precision: { ...precision!, class: 'none' } }), 8e-4);
});

test('figures that are not finite become null, as JSON has them', (t) => {
  const numbers = numbersOf(JUDGEMENT);
  t.is(numbers.precision.exceptions[0].ratio, null);
  t.is(numbers.bugs[0].standardError, null);
  t.deepEqual(
    numbers.bugs.map(({ title }) => title),
    ['eps is ten times too large', 'a'],
    'a bug of other signatures has no title but its name',
  );
  t.like(numbers.precision.classes[0], { noise: 0.05, judgeable: true });
  t.is(numbers.greedy.worst?.regret, null);
  const worst = { case: 'one', position: 2, regret: 1, allowed: Number.NaN };
  t.is(numbersOf({ ...JUDGEMENT, greedy: { ...JUDGEMENT.greedy, worst } }).greedy.worst?.allowed, null);
  t.deepEqual(numbers.greedy.rows, { compared: 1, ratio: null });
  for (const key of ['precision', 'bugs', 'greedy', 'power', 'compared'] as const) {
    t.deepEqual(verdictSchema.shape[key].parse(JSON.parse(JSON.stringify(numbers[key]))), numbers[key]);
  }
  const { precision: _, ...without } = JUDGEMENT;
  t.is(numbersOf(without).precision.class, null);
});

const unchecked = (
  checks = CHECKS as readonly (typeof CHECKS)[number][],
  judgement = JUDGEMENT,
  subject = fakeSubject(),
  stopped?: StoppedRun,
) =>
  uncheckedOf(subject, {
    ...{ checks, judgement, stopped },
    prompt: { verdict: 'unknown', cases: [] },
    hasText: true,
  }).map(({ what, why }) => `${what}: ${why}`);

test('what was not checked is named with the reason', (t) => {
  t.deepEqual(unchecked(), [
    'prompt: the subject cannot be asked for the ids of a text',
    'hidden states: the subject does not give them',
  ]);
  const counted = uncheckedOf(fakeSubject(), {
    ...{ checks: CHECKS, judgement: JUDGEMENT, hasText: true },
    prompt: { verdict: 'right', cases: [{ id: 'one', by: 'number of tokens', verdict: 'right' }] },
  });
  t.like(counted[0], { what: 'which ids prompts become' });
  t.deepEqual(unchecked([]).filter((line) => line.endsWith('--checks leaves it out')).length, CHECKS.length);
  const { precision: _, ...rest } = JUDGEMENT;
  const nothing = { ...rest, bugs: [], greedy: { verdict: 'not checked', tokens: 0, ties: 0 } as const };
  const lines = unchecked(CHECKS, nothing, fakeSubject({}, { scores: 'none', hidden: true }));
  t.true(lines.includes('precision: the subject gave no scores'));
  t.true(lines.includes('known bugs: no signatures, or no scores to hold to them'));
  t.true(lines.includes('greedy tokens: the subject gave none'));
  t.false(lines.some((line) => line.startsWith('hidden states')));
  const { precision } = JUDGEMENT;
  const [bf16] = precision!.classes;
  const noisy = { ...precision!, classes: [{ ...bf16, noise: 0.7123, judgeable: false }] };
  t.true(
    unchecked(CHECKS, { ...JUDGEMENT, precision: noisy }).includes(
      'precision bf16: its noise on this model is 0.71 nats: a broken engine can look the same',
    ),
  );
  const top = unchecked(CHECKS, JUDGEMENT, fakeSubject({}, { scores: 'top' }));
  t.true(top.includes('the whole vocabulary: the subject shows its likeliest tokens alone'));
});

test('a prompt whose ids the subject did not tell is named with its cause, one line for those that share it', (t) => {
  const unknown = (id: string, cause?: string) => ({
    id,
    by: 'tokenize of the text',
    verdict: 'unknown',
    cause,
  });
  const cases = [
    { id: 'right', by: 'tokenize of the text', verdict: 'right' },
    unknown('half', 'error: half a surrogate pair'),
    unknown('chat', 'skipped: no'),
    unknown('tools', 'skipped: no'),
  ] as Verdict['prompt']['cases'];
  const unchecked = uncheckedOf(fakeSubject({}, { tokenize: true }), {
    ...{ checks: CHECKS, judgement: JUDGEMENT, hasText: true, prompt: { verdict: 'right', cases } },
  });
  t.deepEqual(
    unchecked.filter(({ what }) => what.includes('prompt')),
    [
      { what: 'prompt half', why: 'error: half a surrogate pair' },
      { what: '2 prompts: chat, tools', why: 'skipped: no' },
    ],
  );
});

test('a run that was stopped says so of everything that it did not ask', (t) => {
  const cases = ['one', 'two', 'three'].map((id) => ({ id }));
  const stopped = stoppedRun(new Error('interrupted by SIGINT'), cases, [asked]);
  t.deepEqual(stopped, {
    reason: 'stopped after 1 of 3 cases: interrupted by SIGINT',
    notAsked: ['two', 'three'],
  });
  const { precision: _, ...rest } = JUDGEMENT;
  const nothing = { ...rest, bugs: [], greedy: { verdict: 'not checked', tokens: 0, ties: 0 } as const };
  const before = 'the run was stopped before';
  t.deepEqual(unchecked(CHECKS, nothing, fakeSubject({}, { hidden: true }), stopped), [
    `prompt: ${before}`,
    `precision: ${before}`,
    `known bugs: ${before}`,
    `greedy tokens: ${before}`,
    `consistency: ${before}`,
    `2 cases: two, three: ${before}`,
  ]);
  const late = stoppedRun('no error', [{ id: 'one' }], [asked]);
  t.is(late.reason, 'stopped after 1 of 1 cases: no error');
  t.true(unchecked(CHECKS, JUDGEMENT, fakeSubject(), late).every((line) => !/^\d/.test(line)));
});

test('positions that could not be asked for are a line for each case, with the first reason', (t) => {
  const forward = { kind: 'skipped', message: '' } as const;
  const of = (id: string, positions: number[]) => ({ id, promptIds: [1], greedy: [], positions });
  const asked: AskedCase[] = [
    { case: of('whole', [0]), forward, generated: forward },
    {
      case: of('cut', [0, 2]),
      unreached: [
        { position: 1, why: 'the prompt ends in the middle of a character' },
        { position: 3, why: 'token 3 becomes another' },
      ],
      ...{ forward, generated: forward },
    },
  ];
  t.deepEqual(unreachedOf(asked), [
    { what: '2 of 4 positions of cut: 1, 3', why: 'the prompt ends in the middle of a character' },
  ]);
});

test('cases whose numbers are not judged are named, but for those that have to be refused', (t) => {
  const cases = [{ id: 'judged' }, { id: 'long' }, { id: 'refused', refusal: 'empty' }];
  const why = 'the prompt is too long for the noise of a class to be measured on it';
  t.deepEqual(
    tooLongOf(cases, (id) => id === 'judged'),
    [{ what: 'numbers of long', why }],
  );
});
