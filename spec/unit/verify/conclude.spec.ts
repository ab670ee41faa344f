import test from 'ava';
import type { VerifyCase } from '../../../golden/verify-case.ts';
import type { AskedCase } from '../../../verify/ask/ask-cases.ts';
import { conclude, concludeNothing, type Findings } from '../../../verify/conclude.ts';
import type { CaseVerdict, Judgement } from '../../../verify/judge/judgement.ts';
import { verdictSchema } from '../../../verify/verdict.ts';

const ONE: VerifyCase = { id: 'one', promptIds: [1], greedy: [2], positions: [0, 1] };
const result = <T>(value: T) => ({ kind: 'result', value }) as const;
const asked = (id: string, parts: Partial<AskedCase> = {}): AskedCase => ({
  case: { ...ONE, id },
  forward: result({ rows: [] }),
  generated: result({ tokens: [2] }),
  ...parts,
});
const right = (id: string): CaseVerdict => ({ id, verdict: 'right', ratios: [{ position: 0, ratio: 1 }] });
const JUDGEMENT: Judgement = {
  verdict: 'right',
  reasons: [],
  bugs: [],
  greedy: { verdict: 'right', tokens: 2, ties: 0 },
  power: { refused: 6, of: 6, missed: [] },
  compared: { rows: 4, values: 80 },
  cases: [right('one'), right('two')],
};
const FINDINGS: Findings = {
  prompt: { verdict: 'right', cases: [] },
  asked: [asked('one'), asked('two')],
  judgement: JUDGEMENT,
  differences: new Map(),
  consistency: [],
  unchecked: [],
};
const concluded = (changes: Partial<Findings>) => conclude({ ...FINDINGS, ...changes });

test('findings without a fault are right, with a map of errors for each case', (t) => {
  const { verdict, reasons, cases } = conclude(FINDINGS);
  t.is(verdict, 'right');
  t.deepEqual(reasons, []);
  t.deepEqual(cases[0], {
    id: 'one',
    verdict: 'right',
    outcome: 'result',
    map: { stages: ['log-probabilities'], positions: [0], ratios: [[1]] },
  });
});

test('prompts come before numbers', (t) => {
  const wrong = { id: 'chat', verdict: 'wrong', by: 'tokenize', cause: 'no template' } as const;
  const { verdict, reasons } = concluded({
    prompt: { verdict: 'wrong', cases: [wrong, { ...wrong, id: 'b', verdict: 'right' }] },
    judgement: { ...JUDGEMENT, verdict: 'wrong', reasons: ['a bug'] },
  });
  t.is(verdict, 'wrong');
  t.deepEqual(reasons, ["1 of 2 prompts do not become HuggingFace's ids (chat: no template)", 'a bug']);
});

test('the prompt that is named is a wrong one, and a reason stands once', (t) => {
  const wrong = { id: 'wrong', verdict: 'wrong', by: 'tokenize' } as const;
  const cases = [{ ...wrong, id: 'open', verdict: 'unknown' as const }, wrong];
  const silent = asked('two', { generated: { kind: 'no answer', message: 'it died' } });
  const { reasons } = concluded({
    prompt: { verdict: 'wrong', cases },
    judgement: {
      ...JUDGEMENT,
      verdict: 'wrong',
      reasons: ['a bug', 'a bug'],
      compared: { rows: 3, values: 0 },
    },
    asked: [asked('one'), silent],
  });
  t.deepEqual(reasons, [
    "1 of 2 prompts do not become HuggingFace's ids (wrong)",
    ...['a bug', 'it died', 'nothing was compared'],
  ]);
});

test('a case that is not judged is open; one question of two that is skipped leaves the other', (t) => {
  const skipped = { kind: 'skipped', message: 'no scores' } as const;
  const none = { id: 'two', verdict: 'right', ratios: [] } as const;
  const { cases } = concluded({
    asked: [asked('one', { forward: skipped }), asked('two'), asked('three')],
    judgement: { ...JUDGEMENT, cases: [right('one'), none] },
  });
  t.deepEqual(
    cases.map(({ id, verdict, outcome, message, map }) => [id, verdict, outcome, message, map?.stages]),
    [
      ['one', 'right', 'result', undefined, ['log-probabilities']],
      ['two', 'right', 'result', undefined, undefined],
      ['three', 'unknown', 'result', undefined, undefined],
    ],
  );
});

test('a part from the goldens makes a case wrong, at its place', (t) => {
  const difference = { what: 'hidden_states.1', position: 0, index: 3, got: 1, expected: 2, tolerance: 0.1 };
  const differences = new Map([
    ['two', [difference]],
    ['one', []],
  ]);
  const { verdict, reasons, cases } = concluded({ differences });
  t.is(verdict, 'wrong');
  t.deepEqual(reasons, ['two parts from the goldens at hidden_states.1, position 0']);
  t.deepEqual(cases[1].first, { what: 'hidden_states.1', position: 0, got: 1, expected: 2 });
  t.deepEqual(
    cases.map((each) => each.verdict),
    ['right', 'wrong'],
  );
});

test('an error is wrong, and a missing answer leaves the verdict open', (t) => {
  const broken = asked('two', { forward: { kind: 'error', message: 'forward of "two": NaN' } });
  t.like(concluded({ asked: [asked('one'), broken] }), {
    verdict: 'wrong',
    reasons: ['forward of "two": NaN'],
  });
  const silent = asked('two', { generated: { kind: 'no answer', message: 'it died' } });
  const { verdict, reasons, cases } = concluded({ asked: [asked('one'), silent] });
  t.is(verdict, 'unknown');
  t.deepEqual(reasons, ['it died']);
  t.like(cases[1], { verdict: 'unknown', outcome: 'no answer', message: 'it died' });
});

test('what cannot be asked is skipped', (t) => {
  const skipped = { kind: 'skipped', message: 'text alone' } as const;
  const { verdict, cases } = concluded({
    asked: [asked('one'), asked('two', { forward: skipped, generated: skipped })],
  });
  t.is(verdict, 'right');
  t.like(cases[1], { verdict: 'unknown', outcome: 'skipped', message: 'text alone' });
});

test('nothing compared, and an injected fault let pass, are never right', (t) => {
  const nothing = { ...JUDGEMENT, compared: { rows: 0, values: 0 } };
  t.like(concluded({ judgement: nothing }), { verdict: 'unknown', reasons: ['nothing was compared'] });
  const power = { refused: 5, of: 6, missed: ['two answers exchanged'] };
  const weak = concluded({ judgement: { ...JUDGEMENT, power } });
  t.is(weak.verdict, 'unknown');
  t.regex(weak.reasons[0], /let an injected fault pass: two answers exchanged/);
});

test('a prompt that has to be refused is right if it is refused, and wrong if it is answered', (t) => {
  const refused = { ...ONE, id: 'empty', refusal: 'the prompt is empty' };
  const skipped = { kind: 'skipped', message: 'ids only' } as const;
  const error = { kind: 'error', message: 'empty prompt' } as const;
  const verdictFor = (generated: AskedCase['generated']) =>
    concluded({ asked: [asked('one'), { case: refused, forward: skipped, generated }] });
  t.is(verdictFor(error).verdict, 'right');
  t.deepEqual(verdictFor(error).cases[1], {
    ...{ id: 'empty', verdict: 'right', outcome: 'result', message: 'empty prompt' },
  });
  t.is(verdictFor(skipped).cases[1].verdict, 'unknown');
  const answered = verdictFor(result({ tokens: [1] }));
  t.is(answered.verdict, 'wrong');
  t.regex(answered.reasons[0], /empty: a prompt was answered that has to be refused/);
});

test('changing answers are wrong, and of missing ones nothing is concluded', (t) => {
  const leaks = { name: 'alone and among others', verdict: 'wrong', equalBits: false, largest: 1 } as const;
  t.deepEqual(concluded({ consistency: [leaks] }).reasons, ['its answers change: alone and among others']);
  const silent = { ...leaks, verdict: 'unknown', largest: null } as const;
  const { verdict, reasons } = concluded({ consistency: [silent] });
  t.is(verdict, 'unknown');
  t.deepEqual(reasons, ['it does not answer when it is asked again: alone and among others']);
});

test('a known failure does not count, and one that passes is stale', (t) => {
  const ids = new Set(['two']);
  // The judge reports every case of the reference, also those that it was not given.
  const unknown = (id: string): CaseVerdict => ({ id, verdict: 'unknown', ratios: [] });
  const judgement = { ...JUDGEMENT, cases: [right('one'), unknown('two')] };
  const known = (two: CaseVerdict) => ({ ids, judgement: { ...JUDGEMENT, cases: [unknown('one'), two] } });
  const failing = concluded({ judgement, known: known({ ...right('two'), verdict: 'wrong' }) });
  t.is(failing.verdict, 'right');
  t.deepEqual(
    failing.cases.map(({ verdict }) => verdict),
    ['right', 'wrong'],
  );
  const difference = { what: 'logits', position: 0, index: 3, got: 1, expected: 2, tolerance: 0.1 };
  const error = asked('two', { forward: { kind: 'error', message: 'NaN' } });
  const silent = asked('two', { forward: { kind: 'no answer', message: 'it died' } });
  for (const findings of [
    { differences: new Map([['two', [difference]]]) },
    { asked: [asked('one'), error] },
    { asked: [asked('one'), silent] },
  ]) {
    const two: CaseVerdict = { ...right('two'), verdict: 'wrong' };
    const { verdict, reasons } = concluded({ judgement, known: known(two), ...findings });
    t.deepEqual([verdict, reasons], ['right', []], Object.keys(findings).join());
  }
  const stale = concluded({ judgement, known: known(right('two')) });
  t.is(stale.verdict, 'wrong');
  t.deepEqual(stale.reasons, ['two is said to fail and is right: take it out of the known failures']);
});

test('the verdict counts further cases', (t) => {
  const broken = ['one', 'two', 'three'].map((id) =>
    asked(id, { forward: { kind: 'error', message: `bad ${id}` } }),
  );
  t.deepEqual(concluded({ asked: broken }).reasons, ['bad one (and 2 more cases)']);
});

test('a ratio that is not finite is null in the map', (t) => {
  const ratios = [{ position: 3, ratio: Number.POSITIVE_INFINITY }];
  const { cases } = concluded({ judgement: { ...JUDGEMENT, cases: [{ ...right('one'), ratios }] } });
  t.deepEqual(cases[0].map?.ratios, [[null]]);
});

test('hidden states come before log-probabilities in the map, and a wrong case parts first there', (t) => {
  const ratios = [
    { position: 1, ratio: 9 },
    { position: 0, ratio: 1 },
  ];
  const first = { what: 'log-probability of token 3', position: 1, got: -1, expected: -2 };
  const wrong: CaseVerdict = { id: 'two', verdict: 'wrong', first, ratios };
  const stages = ['hidden_states.0', 'hidden_states.final'];
  const states = [
    [0.5, 7],
    [0.6, Number.POSITIVE_INFINITY],
  ];
  const map = { stages, ratios: states, first: { stage: 'hidden_states.0', position: 1, ratio: 7 } };
  const hidden = new Map([
    ['one', map],
    ['two', map],
  ]);
  const judgement = { ...JUDGEMENT, cases: [right('one'), wrong] };
  const { cases } = concluded({ judgement, hidden });
  t.is(cases[0].first, undefined, 'a case that is right parts nowhere');
  t.deepEqual(cases[1].map, {
    stages: [...stages, 'log-probabilities'],
    positions: [1, 0],
    ratios: [
      [7, 0.5],
      [null, 0.6],
      [9, 1],
    ],
  });
  t.like(cases[1].first, { what: 'hidden_states.0', position: 1, got: '7 × the noise' });
  t.is(concluded({ judgement }).cases[1].first, first);
});

test('a run that was stopped is never right nor wrong, and keeps what was found until then', (t) => {
  const stopped = 'stopped after 2 of 9 cases: interrupted by SIGINT';
  t.like(concluded({ stopped }), { verdict: 'unknown', reasons: [stopped] });
  const judgement = { ...JUDGEMENT, verdict: 'wrong', reasons: ['a bug'] } as const;
  const { verdict, reasons, cases } = concluded({ stopped, judgement });
  t.deepEqual([verdict, reasons], ['unknown', [stopped, 'a bug']]);
  t.deepEqual(
    cases.map(({ id }) => id),
    ['one', 'two'],
  );
});

test('a subject that was asked nothing has a whole verdict, with nothing in it', (t) => {
  const known = {
    subject: { name: 'x', adapter: '--url x' },
    model: { name: 'dense', source: 'fixture' },
    reference: { kind: 'goldens', description: 'not used' },
    unchecked: [{ what: 'everything', why: 'it died' }],
  } as const;
  const verdict = concludeNothing({ ...known, unchecked: [...known.unchecked], reason: 'it died' });
  t.deepEqual(verdictSchema.parse(verdict), verdict);
  t.like(verdict, { ...known, verdict: 'unknown', reasons: ['it died'] });
  t.false('demanded' in verdict.precision);
  const demanded = concludeNothing({ ...known, unchecked: [], reason: 'it died', demanded: 'bf16' });
  t.is(demanded.precision.demanded, 'bf16');
});
