import test from 'ava';
import type { VerifyCase } from '../../../../golden/verify-case.ts';
import { type AskedCase, askCases } from '../../../../verify/ask/ask-cases.ts';
import { NotSupportedError } from '../../../../verify/errors.ts';
import type { SubjectModel } from '../../../../verify/subject.ts';
import { FAKE_SIZES, fakeRow, fakeSubject } from '../../../support/verify/fake-subject.ts';

const one: VerifyCase = { id: 'one', promptIds: [1, 2], greedy: [3, 4], positions: [0, 1, 2] };
const two: VerifyCase = { ...one, id: 'two', promptIds: [5] };

const ask = (subject: SubjectModel, cases: VerifyCase[] = [one], concurrency = 1) =>
  askCases(subject, cases, { sizes: FAKE_SIZES, concurrency });

const outcomes = (asked: AskedCase[]) =>
  asked.map(({ forward, generated }) => [forward.kind, generated.kind]);

test('scores are asked of prompt and reference tokens, and greedy tokens of the prompt alone', async (t) => {
  const calls: unknown[] = [];
  const subject = fakeSubject();
  const spy: SubjectModel = {
    ...subject,
    forward(request) {
      calls.push(request);
      return subject.forward(request);
    },
    generate(request) {
      calls.push(request);
      return subject.generate(request);
    },
  };
  const { signal } = new AbortController();
  const [{ forward }] = await askCases(spy, [one], { sizes: FAKE_SIZES, concurrency: 1, signal });
  t.deepEqual(forward, { kind: 'result', value: { rows: [[1], [1, 2], [1, 2, 3]].map(fakeRow) } });
  t.deepEqual(calls, [
    { ids: [1, 2, 3, 4], positions: [0, 1, 2], hidden: false, signal },
    { ids: [1, 2], maxNewTokens: 2, signal },
  ]);
});

test('a prompt that has to be refused is asked for one token', async (t) => {
  const asked: number[] = [];
  const subject = fakeSubject({
    generate({ maxNewTokens }) {
      asked.push(maxNewTokens);
      return Promise.reject(new Error('the prompt is empty'));
    },
  });
  const refused: VerifyCase = { id: 'empty', promptIds: [], greedy: [], positions: [], refusal: 'empty' };
  t.deepEqual(outcomes(await ask(subject, [refused])), [['result', 'error']]);
  t.deepEqual(asked, [1]);
});

test('cases keep their order, and no more are asked at a time than the subject takes', async (t) => {
  let [running, most] = [0, 0];
  const subject = fakeSubject(
    {
      async forward({ positions }) {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        return { rows: positions.map(() => fakeRow([0])) };
      },
    },
    { maxConcurrency: 2 },
  );
  const cases = Array.from({ length: 7 }, (_, i) => ({ ...one, id: `case-${i}` }));
  const done: number[] = [];
  const asked = await askCases(subject, cases, {
    sizes: FAKE_SIZES,
    concurrency: 5,
    onCase: (_, count) => done.push(count),
  });
  t.deepEqual(
    asked.map((each) => each.case.id),
    cases.map(({ id }) => id),
  );
  t.is(most, 2);
  t.deepEqual(done, [1, 2, 3, 4, 5, 6, 7]);
});

const row = (...values: number[]) => ({ values: Float32Array.from(values) });
const nonsense: readonly (readonly [what: string, parts: Partial<SubjectModel>, message: RegExp])[] = [
  ['too few rows', { forward: async () => ({ rows: [] }) }, /forward of "one": 0 rows; expected 3/],
  ['short rows', { forward: async () => ({ rows: Array(3).fill(row(1, 2)) }) }, /2 values; expected 8/],
  [
    'NaN',
    { forward: async () => ({ rows: Array(3).fill(row(...Array(7).fill(0), Number.NaN)) }) },
    /index 7 is NaN/,
  ],
  [
    'hidden states of another length',
    { forward: async () => ({ rows: Array(3).fill(fakeRow([1])), hidden: new Float32Array(5) }) },
    /5 hidden states; expected 24/,
  ],
];
for (const [what, parts, message] of nonsense) {
  test(`an answer of ${what} is an error`, async (t) => {
    const [{ forward }] = await ask(fakeSubject(parts));
    t.is(forward.kind, 'error');
    t.regex('message' in forward ? forward.message : '', message);
  });
}

test('tokens outside the vocabulary and too few tokens are errors', async (t) => {
  for (const tokens of [[1], [1, 8], [1, -1], [1, 0.5]]) {
    const [{ generated }] = await ask(fakeSubject({ generate: async () => ({ tokens }) }));
    t.is(generated.kind, 'error', JSON.stringify(tokens));
  }
  const [{ generated }] = await ask(
    fakeSubject({ generate: async () => ({ tokens: [1, 2], scores: [row(1)] }) }),
  );
  t.is(generated.kind, 'error');
});

test('a question that the subject does not support is skipped, and the other question is asked', async (t) => {
  const forward = () => Promise.reject(new NotSupportedError('no scores'));
  t.deepEqual(outcomes(await ask(fakeSubject({ forward }), [one, two])), [
    ['skipped', 'result'],
    ['skipped', 'result'],
  ]);
});

test('an aborted run asks nothing more', async (t) => {
  const controller = new AbortController();
  const reason = new Error('stop');
  const subject = fakeSubject({
    forward: () => {
      controller.abort(reason);
      return Promise.reject(new Error('closed'));
    },
  });
  const asking = askCases(subject, [one, two], {
    sizes: FAKE_SIZES,
    concurrency: 1,
    signal: controller.signal,
  });
  t.is(await t.throwsAsync(asking), reason);
  // Between two cases too.
  const [late, asked] = [new AbortController(), [] as string[]];
  const between = askCases(fakeSubject(), [one, two], {
    ...{ sizes: FAKE_SIZES, concurrency: 1, signal: late.signal },
    onCase(each) {
      asked.push(each.case.id);
      late.abort(reason);
    },
  });
  t.is(await t.throwsAsync(between), reason);
  t.deepEqual(asked, ['one']);
});

test('positions that a subject cannot be asked for are taken out of the case; the other rows are checked', async (t) => {
  const unreached = [{ position: 1, why: 'no text encodes to these ids' }];
  const partial = (numRows: number) =>
    fakeSubject({
      forward: async () => ({ rows: Array.from({ length: numRows }, () => fakeRow([0])), unreached }),
    });
  const [asked] = await ask(partial(2));
  t.deepEqual(asked.case, { ...one, positions: [0, 2] });
  t.deepEqual(asked.unreached, unreached);
  const [{ forward }] = await ask(partial(3));
  t.is(forward.kind, 'error', 'a row too many');
});
