import test from 'ava';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../verify/errors.ts';
import { type SmokeReport, smoke, smokeOfUnloaded, smokeText } from '../../../verify/smoke.ts';
import type { SubjectModel, TokenScores } from '../../../verify/subject.ts';
import { FAKE_SIZES, fakeRow, fakeSubject } from '../../support/verify/fake-subject.ts';

const { vocabSize } = FAKE_SIZES;
const options = { ids: [1, 2, 3], vocabSize };
const verdicts = ({ checks }: SmokeReport) => checks.map(({ verdict }) => verdict);

/** A subject whose rows are changed. */
const withRows = (change: (ids: readonly number[], position: number) => TokenScores): SubjectModel =>
  fakeSubject({ forward: async ({ ids, positions }) => ({ rows: positions.map((p) => change(ids, p)) }) });

test('an honest subject passes, whether its scores are whole rows, the likeliest, or log-probabilities', async (t) => {
  const top = withRows((ids, position) => {
    const { values } = fakeRow(ids.slice(0, position + 1));
    const order = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, 3);
    return { ids: Int32Array.from(order), values: Float32Array.from(order, (id) => values[id] - 7) };
  });
  for (const subject of [fakeSubject(), top]) {
    const report = await smoke(subject, options);
    t.deepEqual(verdicts(report), ['right', 'right', 'right', 'right']);
    t.is(report.fault, undefined);
    t.is(report.verdict, 'right');
    const { generate, forward } = report.requests;
    t.deepEqual(generate, { ids: [1, 2, 3], maxNewTokens: 4 });
    t.deepEqual([forward.ids.length, forward.positions], [6, [2, 3, 4, 5]]);
  }
});

test('the same is asked twice, with the signal', async (t) => {
  const { signal } = new AbortController();
  const calls: unknown[] = [];
  const honest = fakeSubject();
  const spy: SubjectModel = {
    ...honest,
    forward(request) {
      calls.push(request);
      return honest.forward(request);
    },
    generate(request) {
      calls.push(request);
      return honest.generate(request);
    },
  };
  const { requests } = await smoke(spy, { ...options, signal });
  const round = [
    { ...requests.generate, signal },
    { ...requests.forward, signal },
  ];
  t.deepEqual(calls, [...round, ...round]);
});

test('likeliest tokens that lack the chosen one are named by their ids', async (t) => {
  const lacking = withRows(() => ({ ids: Int32Array.of(6, 5), values: Float32Array.of(-2, -1) }));
  const subject = { ...lacking, generate: async () => ({ tokens: [3, 3, 3, 3] }) };
  const { checks } = await smoke(subject, options);
  t.like(checks[2], {
    verdict: 'wrong',
    message:
      'after the prompt generate chose 3, and forward finds 5 likeliest; expected the same: prefill and decode differ, or the scores are of other positions',
  });
});

test('a subject that has only tokens is checked as far as it can be', async (t) => {
  const mute = fakeSubject({
    forward: async () => {
      throw new NotSupportedError('forward: skipped: no scores');
    },
  });
  const report = await smoke(mute, options);
  t.deepEqual(verdicts(report), ['right', 'not checked', 'not checked', 'right']);
  t.is(report.fault, undefined);
});

test('no answer is no fault of anything, and nothing is concluded from it', async (t) => {
  for (const parts of [
    { generate: async () => Promise.reject(new NoAnswerError('it crashed')) },
    { forward: async () => Promise.reject(new NoAnswerError('it crashed')) },
  ]) {
    const report = await smoke(fakeSubject(parts), options);
    t.like(report, { verdict: 'unknown', fault: undefined });
    t.regex(smokeText(report, 'x'), /no answer: .*: it crashed\n[\s\S]*Nothing can be concluded/);
  }
  const skips = async () => Promise.reject(new NotSupportedError('no'));
  t.is((await smoke(fakeSubject({ forward: skips, generate: skips }), options)).verdict, 'unknown');
});

test('a subject that cannot be loaded is wrong if it said nonsense, else nothing is concluded', (t) => {
  const nonsense = smokeOfUnloaded(new SubjectError('start: a line that is not JSON'), [1, 2]);
  t.like(nonsense, { verdict: 'wrong', fault: 'adapter', requests: { generate: { ids: [1, 2] } } });
  const silent = smokeOfUnloaded(new NoAnswerError('start: no answer'), [1, 2]);
  t.like(silent, { verdict: 'unknown', fault: undefined });
  t.regex(smokeText(silent, 'x'), /^no answer: the engine starts and loads the model: start: no answer\n/);
});

test('an error, other lengths and unknown tokens are faults of the adapter', async (t) => {
  for (const [parts, message] of [
    [{ generate: async () => Promise.reject(new SubjectError('it refuses')) }, 'it refuses'],
    [{ generate: async () => ({ tokens: [1, 2] }) }, 'generate: 2 tokens; expected 4'],
    [{ generate: async () => ({ tokens: [1, 2, 3, 8] }) }, /generate: token 8 at index 3; expected 0 to 7/],
    [{ forward: async () => ({ rows: [fakeRow([1])] }) }, 'forward: 1 rows; expected 4'],
  ] as const) {
    const report = await smoke(fakeSubject(parts), options);
    t.is(report.fault, 'adapter');
    const wrong = report.checks.find(({ verdict }) => verdict === 'wrong');
    if (typeof message === 'string') t.is(wrong?.message, message);
    else t.regex(wrong?.message ?? '', message);
  }
});

test('scores that are not finite are a fault of the engine', async (t) => {
  const report = await smoke(
    withRows(() => ({ values: new Float32Array(8).fill(Number.NaN) })),
    options,
  );
  t.is(report.fault, 'engine');
  t.regex(report.checks[1].message ?? '', /the value at index 0 is NaN/);
});

test('rows that are shifted by one are a fault of the adapter, in words that say in which direction', async (t) => {
  const before = await smoke(
    withRows((ids, p) => fakeRow(ids.slice(0, p))),
    options,
  );
  t.is(before.fault, 'adapter');
  t.regex(
    before.checks[2].message ?? '',
    /the row of position p scores ids\[p\] itself; expected the token after/,
  );
  // The row of the position after: what comes after the last token is generated as well.
  const { tokens } = await fakeSubject().generate({ ids: options.ids, maxNewTokens: 4 });
  const all = [...options.ids, ...tokens];
  const after = await smoke(
    withRows((_, p) => fakeRow(all.slice(0, p + 2))),
    options,
  );
  t.is(after.fault, 'adapter');
  t.regex(after.checks[2].message ?? '', /scores the token after the next/);
});

test('a likeliest token that is not the greedy one for another reason is a fault of the engine', async (t) => {
  const values = Float32Array.of(0, 0, 0, 0, 0, 0, 0, 5);
  const report = await smoke(
    withRows(() => ({ values })),
    options,
  );
  t.is(report.fault, 'engine');
  t.regex(
    report.checks[2].message ?? '',
    /generate chose \d, and forward finds 7 likeliest; expected the same: prefill/,
  );
});

test('a nearly equal score of another token is no fault', async (t) => {
  const report = await smoke(
    withRows((ids, p) => {
      const values = Float32Array.from(fakeRow(ids.slice(0, p + 1)).values);
      const best = values.indexOf(Math.max(...values));
      values[(best + 1) % 8] = values[best] + 0.2;
      return { values };
    }),
    options,
  );
  t.is(report.fault, undefined);
});

test('answers that change between two times are a fault of the engine', async (t) => {
  let calls = 0;
  const drifting = withRows((ids, p) => {
    const { values } = fakeRow(ids.slice(0, p + 1));
    // The likeliest token stays.
    return { values: values.map((value, i) => (calls++ < 32 || value > 0.9 ? value : value - (i + 1))) };
  });
  const report = await smoke(drifting, options);
  t.is(report.fault, 'engine');
  t.regex(
    report.checks[3].message ?? '',
    /a score changes by \S+ nats; expected at most 0\.25: something is left/,
  );

  let times = 0;
  const forgetful = fakeSubject({
    generate: async (request) => (times++ === 0 ? fakeSubject().generate(request) : { tokens: [0, 0, 0, 0] }),
  });
  const other = await smoke(forgetful, options);
  t.is(other.fault, 'engine');
  t.regex(other.checks[3].message ?? '', /tokens .*, then 0 0 0 0: something is left/);

  let answers = 0;
  const dying = fakeSubject({
    generate: async (request) => {
      if (answers++ > 0) throw new NoAnswerError('it crashed');
      return await fakeSubject().generate(request);
    },
  });
  const dead = await smoke(dying, options);
  t.regex(dead.checks[3].message ?? '', /^result at first, then no answer: it crashed/);
});

test('the text says who is at fault, and how to ask the same', async (t) => {
  const right = smokeText(await smoke(fakeSubject(), options), 'printf x | engine');
  t.regex(right, /^right: generate gives as many values/);
  t.regex(right, /\nThe adapter works\. .*\nThe same requests: printf x \| engine\n$/);
  const wrong = fakeSubject({ generate: async () => ({ tokens: [1] }) });
  t.regex(
    smokeText(await smoke(wrong, options), 'x'),
    /\nwrong: |^wrong: .*: generate: 1 tokens; expected 4\n/,
  );
  t.regex(smokeText(await smoke(wrong, options), 'x'), /The adapter is wrong/);
  const engine = withRows(() => ({ values: new Float32Array(8).fill(Number.NaN) }));
  t.regex(smokeText(await smoke(engine, options), 'x'), /The adapter works, and the engine is wrong\./);
});

test('a smoke test that is aborted rejects with the reason', async (t) => {
  const reason = new Error('stopped by the user');
  const signal = AbortSignal.abort(reason);
  const subject = fakeSubject({ generate: async () => Promise.reject(reason) });
  t.is(await t.throwsAsync(smoke(subject, { ...options, signal })), reason);
});
