import test from 'ava';
import type { VerifyCase } from '../../../../golden/verify-case.ts';
import { CONSISTENCY_CHECKS, type FirstAnswer } from '../../../../verify/consistency/checks.ts';
import type { SubjectModel } from '../../../../verify/subject.ts';
import { scoringFake } from '../../../support/servers/fake-served.ts';
import { expectText } from '../../../support/verify/expected-text.ts';
import { fakeSubject } from '../../../support/verify/fake-subject.ts';

const CASES: VerifyCase[] = [
  { id: 'long', promptIds: [1, 2, 3, 4, 5, 6, 7], greedy: [4, 5], positions: [0, 3, 6, 8] },
  { id: 'short', promptIds: [6, 2, 4], greedy: [], positions: [0, 2] },
];

/** Answers of a subject to the cases, of the given numbers of tokens. */
function firstAnswers(subject: SubjectModel, ...counts: number[]): Promise<FirstAnswer[]> {
  return Promise.all(
    CASES.map(async (each, i): Promise<FirstAnswer> => {
      const { promptIds, greedy, positions } = each;
      const { rows } = await subject.forward({ ids: [...promptIds, ...greedy], positions });
      const { tokens, scores } = await subject.generate({ ids: promptIds, maxNewTokens: counts[i] });
      return { case: each, rows, tokens, scores };
    }),
  );
}

for (const [index, check] of CONSISTENCY_CHECKS.entries()) {
  test(`${check.name}: every request, whole, and no change of an honest subject`, async (t) => {
    const { signal } = new AbortController();
    const honest = scoringFake();
    const first = await firstAnswers(honest, 5, 1);
    const lines: string[] = [];
    const note = (call: string, { signal: given, ...request }: { signal?: AbortSignal }) => {
      lines.push(`${call} ${JSON.stringify(request)}${given === signal ? '' : ' without the signal'}\n`);
    };
    const subject: SubjectModel = {
      ...honest,
      forward(request) {
        note('forward', request);
        return honest.forward(request);
      },
      generate(request) {
        note('generate', request);
        return honest.generate(request);
      },
    };
    t.is(check.unless(subject), undefined);
    const changes = await check.run(subject, first, { signal });
    t.true(changes.length > 0);
    for (const { equalBits, largest } of changes) t.deepEqual([equalBits, largest], [true, 0]);
    expectText(t, lines.join(''), `check-${index}`, import.meta.url);
  });
}

test('eight requests are on their way together, or as many as subject and user allow', async (t) => {
  const check = CONSISTENCY_CHECKS.find(({ name }) => name === 'alone and among others')!;
  for (const [maxConcurrency, concurrency, expected] of [
    [20, undefined, 8],
    [3, undefined, 3],
    [20, 2, 2],
    [3, 5, 3],
    [20, 20, 8],
  ] as const) {
    let [running, most] = [0, 0];
    const honest = fakeSubject();
    const counted = async <T>(answer: () => Promise<T>) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      return await answer();
    };
    const subject = fakeSubject(
      {
        forward: (request) => counted(() => honest.forward(request)),
        generate: (request) => counted(() => honest.generate(request)),
      },
      { maxConcurrency },
    );
    const [answer] = await firstAnswers(honest, 4, 4);
    await check.run(subject, Array(4).fill(answer), { concurrency });
    t.is(most, expected, `${maxConcurrency} that it takes, ${concurrency} that are allowed`);
  }
});
