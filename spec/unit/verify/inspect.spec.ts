import test from 'ava';
import { FileError } from '../../../engine/errors.ts';
import { Engine } from '../../../engine/index.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { dumpCases } from '../../../golden/dump-layout.ts';
import { storedCases } from '../../../golden/verify-case.ts';
import { engineSubject } from '../../../verify/adapters/engine.ts';
import { NotSupportedError, SubjectError } from '../../../verify/errors.ts';
import { inspect } from '../../../verify/inspect.ts';
import type { ForwardAnswer, ForwardRequest, Subject } from '../../../verify/subject.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { logProbabilities, top } from '../../support/subjects/views.ts';

trackResources(test);

/** Our engine, of which a test sees or changes the answers. */
const subjectWith = (change: (answer: ForwardAnswer) => ForwardAnswer): Subject => ({
  info: { name: 'changed' },
  async load(modelDir) {
    const model = await engineSubject('ours', Engine).load(modelDir);
    return { ...model, forward: async (request) => change(await model.forward(request)) };
  },
});
const inspectDense = async (subject?: Subject, id = 'ids-short') =>
  inspect({ golden: 'dense', id, modelDir: await ensureFixture('dense'), subject });

for (const [model, id] of [
  ['dense', 'ids-short'],
  ['moe', 'ids-block'],
  // Hidden states are stored as projections, logits as a sample.
  ['dense-bf16', 'short-capital'],
]) {
  test(`${model} · ${id}: our engine agrees at every stage, those within layers too`, async (t) => {
    const { text, agrees } = await inspect({ golden: model, id, modelDir: await ensureFixture(model) });
    t.true(agrees, text);
    t.regex(text, /^layers\.1\.attention +– +\d\.\de-\d +–$/m);
    t.regex(text, /^logits +\d\.\de-\d +\d\.\de-\d +\d\.\de-\d$/m);
    t.regex(text, /The engine agrees with the golden at every stage\.\n$/);
  });
}

test('a subject is shown beside our engine, as far as it has stages', async (t) => {
  const whole = await inspectDense(engineSubject('ours', Engine));
  t.true(whole.agrees);
  t.regex(whole.text, /The subject agrees with the golden at every stage that it has \(6 of 24\)\.\n$/);
  for (const view of [logProbabilities, top(20)]) {
    const few = await inspectDense(subjectWith(({ rows }) => ({ rows: rows.map(view) })));
    t.true(few.agrees, few.text);
    t.regex(few.text, /^hidden_states\.1 +– +– +\d/m);
    t.regex(few.text, /\(1 of 24\)\.\n$/);
  }
});

test('a subject is asked what the judge asks of the case: files have no other answers', async (t) => {
  const requests: ForwardRequest[] = [];
  const own = engineSubject('ours', Engine);
  const listening: Subject = {
    ...own,
    async load(modelDir) {
      const model = await own.load(modelDir);
      const forward: typeof model.forward = (request) => {
        requests.push(request);
        return model.forward(request);
      };
      return { ...model, forward };
    },
  };
  t.true((await inspectDense(listening)).agrees);
  const [asked] = dumpCases('dense', storedCases('dense', [])).cases.filter(({ id }) => id === 'ids-short');
  t.is(requests.length, 1);
  t.deepEqual({ ids: requests[0].ids, positions: requests[0].positions }, asked.forward);
});

test('a subject that differs is shown with the first stage that does, and as farther from the oracle', async (t) => {
  const off = subjectWith((answer) => {
    const hidden = answer.hidden!.slice();
    // Layer 2, position 3, dimension 5 of [5, T, 64].
    const length = hidden.length / 5 / 64;
    hidden[(2 * length + 3) * 64 + 5] += 0.01;
    return { ...answer, hidden };
  });
  const { text, agrees } = await inspectDense(off);
  t.false(agrees);
  t.regex(
    text,
    /The subject differs first at hidden_states\.2, position 3; up to hidden_states\.1 it agrees\./,
  );
  t.regex(text, /the subject is farther from the float64 oracle/);

  const scores = subjectWith(({ rows }) => ({
    rows: rows.map(({ values }, i) => ({ values: i === 4 ? values.with(9, values[9] + 0.01) : values })),
  }));
  t.regex((await inspectDense(scores)).text, /The subject differs first at logits, position 4\./);
});

test('an answer that cannot be compared is an error that names the call and the case', async (t) => {
  const broken = subjectWith(({ rows }) => ({ rows: rows.slice(1) }));
  await t.throwsAsync(inspectDense(broken), {
    instanceOf: SubjectError,
    message: /^forward of "ids-short": .* rows/,
  });
  const nan = subjectWith(({ rows, hidden }) => ({ rows, hidden: hidden!.with(0, Number.NaN) }));
  await t.throwsAsync(inspectDense(nan), { instanceOf: SubjectError, message: /index 0 is NaN/ });
});

test('a case without stages, or without a golden, is refused', async (t) => {
  await t.throwsAsync(inspectDense(undefined, 'ids-empty'), {
    instanceOf: NotSupportedError,
    message: 'dense · ids-empty: the reference refuses this prompt; it has no stages',
  });
  await t.throwsAsync(inspectDense(undefined, 'no-such-case'), {
    instanceOf: FileError,
    message: /^the goldens of dense have no case "no-such-case"; they have ids-first-and-last, /,
  });
});
