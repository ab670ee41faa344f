import test from 'ava';
import { sequenceOf, type VerifyCase } from '../../../../golden/verify-case.ts';
import { CONSISTENCY_CHECKS, type FirstAnswer } from '../../../../verify/consistency/checks.ts';
import { dependsOnOthers, judgeConsistency } from '../../../../verify/consistency/judge-consistency.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../../verify/errors.ts';
import type { SubjectModel, TokenScores } from '../../../../verify/subject.ts';
import { fakeSubject } from '../../../support/verify/fake-subject.ts';

const CASES: VerifyCase[] = [0, 1, 2, 3].map((i) => ({
  id: `case-${i}`,
  promptIds: [i, i + 1, i + 2],
  greedy: [1, 2],
  positions: [0, 1, 2, 3],
}));

/** Answers of an honest subject. */
async function firstAnswers(subject: SubjectModel = fakeSubject()): Promise<FirstAnswer[]> {
  return Promise.all(
    CASES.map(async (each) => {
      const { rows } = await subject.forward({ ids: sequenceOf(each), positions: each.positions });
      const { tokens } = await subject.generate({ ids: each.promptIds, maxNewTokens: 4 });
      return { case: each, rows, tokens };
    }),
  );
}

const judge = async (subject: SubjectModel, allowed = 1e-3) => {
  const { verdicts, unchecked } = await judgeConsistency(subject, await firstAnswers(), { allowed });
  return { verdicts: new Map(verdicts.map((each) => [each.name, each])), unchecked };
};

const honest = fakeSubject();
/** The prompts have three tokens. */
const TOO_SHORT = {
  what: 'consistency: scored and continued, after a prompt that differs in one token',
  why: 'no answers to compare with',
};
const shifted = (rows: readonly TokenScores[], by: number, from = 0): TokenScores[] =>
  rows.map(({ values }, i) => ({ values: i < from ? values : values.map((value) => value + by) }));

test('a deterministic subject has equal bits in every check', async (t) => {
  const { verdicts, unchecked } = await judge(honest);
  t.is(verdicts.size, 6);
  for (const each of verdicts.values()) t.like(each, { verdict: 'right', equalBits: true, largest: 0 });
  t.deepEqual(unchecked, [TOO_SHORT]);
});

test('a subject whose concurrent requests leak is caught among others, and only there', async (t) => {
  let running = 0;
  const subject = fakeSubject({
    async forward(request) {
      const others = running++;
      await new Promise((resolve) => setTimeout(resolve, 2));
      const { rows } = await honest.forward(request);
      running--;
      return { rows: others > 0 ? shifted(rows, 0.5, 2) : rows };
    },
  });
  const { verdicts } = await judge(subject);
  const wrong = [...verdicts.values()].filter(({ verdict }) => verdict === 'wrong');
  t.deepEqual(
    wrong.map(({ name, largest, position }) => [name, largest?.toFixed(3), position]),
    [['alone and among others', '0.500', 2]],
  );
});

test('continuations that lose blocks to others are caught among others, and only there', async (t) => {
  let running = 0;
  const subject = fakeSubject({
    async generate(request) {
      const others = running++;
      await new Promise((resolve) => setTimeout(resolve, 2));
      const { tokens } = await honest.generate(request);
      running--;
      return { tokens: others > 0 ? tokens.with(-1, (tokens[tokens.length - 1] + 1) % 8) : tokens };
    },
  });
  const { verdicts } = await judge(subject);
  const wrong = [...verdicts.values()].filter(({ verdict }) => verdict === 'wrong');
  t.deepEqual(
    wrong.map(({ name }) => name),
    ['alone and among others'],
  );
  t.true(dependsOnOthers(wrong));
  t.false(dependsOnOthers([{ ...wrong[0], name: 'streamed and not' }]));
  t.false(dependsOnOthers([{ ...wrong[0], verdict: 'right' }]));
});

test('a cache that takes one prompt for another is caught where both are scored and continued', async (t) => {
  const long = { id: 'long', promptIds: [1, 2, 3, 4, 5, 6], greedy: [], positions: [] };
  const first = [{ case: long, rows: [], tokens: [0, 0] }];
  let known: readonly number[] = [];
  const scoring = (isBroken: boolean) =>
    fakeSubject({
      async generate({ ids, maxNewTokens }) {
        // It has the last prompt alone, and finds it by all but one token.
        const isHit = known.length === ids.length && known.filter((id, i) => id !== ids[i]).length === 1;
        const used = isBroken && isHit ? known : ids;
        known = ids;
        const { tokens } = await honest.generate({ ids: used, maxNewTokens });
        const { rows } = await honest.forward({ ids: used, positions: [used.length - 1] });
        return { tokens, ...(maxNewTokens === 1 ? { scores: rows } : {}) };
      },
    });
  const name = 'scored and continued, after a prompt that differs in one token';
  for (const isBroken of [false, true]) {
    const { verdicts } = await judgeConsistency(scoring(isBroken), first, { allowed: 1e-3 });
    const verdict = verdicts.find((each) => each.name === name);
    if (isBroken) t.like(verdict, { verdict: 'wrong', case: 'long', position: 5 });
    else t.like(verdict, { verdict: 'right', equalBits: true });
  }
});

test('in another order the last case is asked first', async (t) => {
  const first = await firstAnswers();
  const asked: string[] = [];
  const subject = fakeSubject({
    forward(request) {
      asked.push(CASES.find((each) => `${sequenceOf(each)}` === `${request.ids}`)!.id);
      return honest.forward(request);
    },
  });
  for (const name of ['the same request twice', 'in another order']) {
    await CONSISTENCY_CHECKS.find((each) => each.name === name)!.run(subject, first);
  }
  const ids = CASES.map(({ id }) => id);
  t.deepEqual(asked, [...ids, ...ids.toReversed()]);
});

test('a subject that is wrong after a prefix hit is caught', async (t) => {
  const seen = new Set<string>();
  const subject = fakeSubject({
    async forward(request) {
      const { rows } = await honest.forward(request);
      const prefix = request.ids.slice(0, 2).join();
      const hit = seen.has(prefix);
      if (request.ids.length === 2) seen.add(prefix);
      return { rows: hit ? shifted(rows, 1, 1) : rows };
    },
  });
  const { verdicts } = await judge(subject);
  t.like(verdicts.get('after a request with a common prefix'), { verdict: 'wrong', position: 1 });
  t.is(verdicts.get('in another order')?.verdict, 'right');
});

test('a subject that loses its place when it continues is caught by its tokens', async (t) => {
  const subject = fakeSubject({
    async generate({ ids, maxNewTokens }) {
      const { tokens } = await honest.generate({ ids, maxNewTokens });
      return { tokens: ids.length > 4 ? tokens.map((token) => (token + 1) % 8) : tokens };
    },
  });
  const { verdicts } = await judge(subject);
  t.like(verdicts.get('in one go and continued from the middle'), {
    verdict: 'wrong',
    largest: null,
    position: 5,
  });
});

test('changes within the noise of the class are right, and reported with their size', async (t) => {
  const subject = fakeSubject({
    async forward(request) {
      const { rows } = await honest.forward(request);
      return { rows: shifted(rows, 1e-4) };
    },
  });
  const { verdicts } = await judge(subject);
  const { verdict, equalBits, largest } = verdicts.get('the same request twice')!;
  t.is(verdict, 'right');
  t.false(equalBits);
  t.true(largest! > 9e-5 && largest! < 2e-4);
  t.is((await judge(subject, 1e-6)).verdicts.get('the same request twice')?.verdict, 'wrong');
});

test('a change that is just allowed is right, and of equal changes the first is reported', async (t) => {
  const zeros = (value: number) => ({
    rows: CASES[0].positions.map(() => ({ values: Float32Array.of(value, 1) })),
  });
  const first = CASES.map((each) => ({ case: each, ...zeros(0) }));
  const of = async (values: number[], allowed: number) => {
    const asked = [...values];
    const subject = fakeSubject({ forward: async () => zeros(asked.shift() ?? 0) }, { maxConcurrency: 1 });
    return (await judgeConsistency(subject, first, { allowed })).verdicts[0];
  };
  const name = 'the same request twice';
  const changed = { name, equalBits: false, largest: 0.5, case: 'case-1', position: 0 };
  t.deepEqual(await of([0, 0.5, 0.5, 0], 0.5), { ...changed, verdict: 'right' });
  t.deepEqual(await of([0, 0.5, 0.5, 0], 0.49), { ...changed, verdict: 'wrong' });
  // Another bit, and no change of a value.
  t.deepEqual(await of([0, 0, -0, 0], 0.5), { ...changed, verdict: 'right', largest: 0, case: 'case-2' });
});

test('checks are announced in order, and a signal ends them with its reason', async (t) => {
  const names: string[] = [];
  const onCheck = (name: string) => names.push(name);
  await judgeConsistency(honest, await firstAnswers(), { allowed: 1, onCheck });
  t.deepEqual(
    names,
    CONSISTENCY_CHECKS.map(({ name }) => name),
  );
  const [reason, controller] = [new Error('Ctrl-C'), new AbortController()];
  const subject = fakeSubject({
    forward() {
      controller.abort(reason);
      return Promise.reject(new NoAnswerError('closed'));
    },
  });
  const { signal } = controller;
  const judging = judgeConsistency(subject, await firstAnswers(), { allowed: 1, signal });
  t.is(await t.throwsAsync(judging), reason);
});

test('checks that a subject cannot be asked are named with the reason', async (t) => {
  const alone = await judge(fakeSubject({}, { maxConcurrency: 1 }));
  t.deepEqual(alone.unchecked, [
    { what: 'consistency: alone and among others', why: 'the subject takes one request at a time' },
    TOO_SHORT,
  ]);
  const first = await firstAnswers();
  const allowedOne = await judgeConsistency(honest, first, { allowed: 1, concurrency: 1 });
  t.deepEqual(allowedOne.unchecked, [
    { what: 'consistency: alone and among others', why: '--concurrency allows one request at a time' },
    TOO_SHORT,
  ]);
  const tokensOnly = await judge(fakeSubject({}, { scores: 'none' }));
  t.is(tokensOnly.unchecked.length, 4);
  t.deepEqual(
    [...tokensOnly.verdicts.keys()],
    ['alone and among others', 'in one go and continued from the middle', 'streamed and not'],
  );
  const whole = await judge(fakeSubject({}, { stream: false }));
  t.deepEqual(whole.unchecked, [
    TOO_SHORT,
    { what: 'consistency: streamed and not', why: 'the subject does not stream its answers' },
  ]);
  const refuses = await judge(fakeSubject({ forward: () => Promise.reject(new NotSupportedError('no')) }));
  t.is(refuses.unchecked.length, 5);
});

test('a stream of other tokens is caught, and only there', async (t) => {
  const subject = fakeSubject({
    async generate(request) {
      const { tokens } = await honest.generate(request);
      return { tokens: request.stream ? tokens.with(2, (tokens[2] + 1) % 8) : tokens };
    },
  });
  const { verdicts } = await judge(subject);
  const wrong = [...verdicts.values()].filter(({ verdict }) => verdict === 'wrong');
  t.deepEqual(
    wrong.map(({ name, position }) => [name, position]),
    [['streamed and not', 5]],
  );
});

test('of a subject that does not answer again nothing is concluded, and one that is at fault is wrong', async (t) => {
  const dies = await judge(fakeSubject({ forward: () => Promise.reject(new NoAnswerError('it died')) }));
  const nothing = { equalBits: false, largest: null };
  t.like(dies.verdicts.get('the same request twice'), { ...nothing, verdict: 'unknown' });
  t.true(
    dies.unchecked.some(({ what, why }) => what.endsWith('the same request twice') && why === 'it died'),
  );
  const errs = await judge(fakeSubject({ forward: () => Promise.reject(new SubjectError('NaN')) }));
  t.like(errs.verdicts.get('the same request twice'), { ...nothing, verdict: 'wrong' });
});

test('without first answers nothing is compared, and that is said', async (t) => {
  const { verdicts, unchecked } = await judgeConsistency(honest, [], { allowed: 1 });
  t.deepEqual(verdicts, []);
  t.true(unchecked.every(({ why }) => why === 'no answers to compare with'));
  t.is(unchecked.length, 7);
});
