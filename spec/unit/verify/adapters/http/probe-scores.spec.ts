import test from 'ava';
import type { Completion, Question } from '../../../../../verify/adapters/http/dialect.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import { probeScores } from '../../../../../verify/adapters/http/probe-scores.ts';
import { SubjectError } from '../../../../../verify/errors.ts';
import { scriptedDialect, scriptedServer } from '../../../../support/servers/scripted-server.ts';

const LOGITS = [3, 1, 0, -1, -2];

/** Log-probabilities of {@link LOGITS}. */
function rowOf(logits: readonly number[], noise = 0) {
  const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
  return logits.map((logit, id) => ({ id, logprob: logit - sum - noise * id }));
}
const raw = (): Completion => ({ tokens: [{ id: 0 }], rows: [rowOf(LOGITS)] });
const ask = (script: (question: Question) => Completion, parts = {}) =>
  probeScores(scriptedServer(script, { top: 5, ...parts }).server, [1, 2]);

test("log-probabilities that sampling does not change are the model's own", async (t) => {
  await t.notThrowsAsync(ask(raw));
  const noisy = ({ sampling }: Question) => ({ ...raw(), rows: [rowOf(LOGITS, sampling ? 0.02 : 0)] });
  await t.notThrowsAsync(ask(noisy), 'runs of one server differ a little');
});

test('log-probabilities that change with temperature or top_k are refused with what to set', async (t) => {
  const heated = ({ sampling }: Question) => ({
    ...raw(),
    rows: [rowOf(LOGITS.map((logit) => logit / (sampling?.temperature ?? 1)))],
  });
  await t.throwsAsync(ask(heated), {
    instanceOf: SubjectError,
    message:
      /^log-probabilities change by \d\.\d\d with temperature 2; expected those of the model, from before sampling; set raw scores$/,
  });
  const cold = ({ sampling }: Question) => ({
    ...raw(),
    rows: [rowOf(LOGITS.map((x) => (sampling ? x : x * 20)))],
  });
  await t.throwsAsync(ask(cold), { message: /with temperature 1; expected/ });
  const cutOff = ({ sampling }: Question) => ({
    ...raw(),
    rows: [sampling?.topK ? [{ id: 0, logprob: 0 }] : rowOf(LOGITS)],
  });
  await t.throwsAsync(ask(cutOff), { message: /change by all they have with top_k 1; expected/ });
});

test('rows of one server may differ by a tenth of their range and 0.02 nats, in half of their tokens', async (t) => {
  const row = rowOf(LOGITS);
  const changed = (nats: number) => (question: Question) => ({
    ...raw(),
    rows: [
      row.map(({ id, logprob }) => ({ id, logprob: logprob - (question.sampling && id === 4 ? nats : 0) })),
    ],
  });
  // The range is five nats.
  await t.notThrowsAsync(ask(changed(0.519)));
  await t.throwsAsync(ask(changed(0.521)), { instanceOf: SubjectError, message: /change by 0\.52 with/ });
  const shown = (count: number) => (question: Question) => ({
    ...raw(),
    rows: [question.sampling ? row.slice(0, count) : row],
  });
  await t.notThrowsAsync(ask(shown(3)));
  await t.throwsAsync(ask(shown(2)), { message: /change by all they have/ });
  const second = (nats: number) => () => ({
    tokens: [{ id: 1 }],
    rows: [
      [
        { id: 0, logprob: -1 },
        { id: 1, logprob: -1 - nats },
      ],
    ],
  });
  await t.notThrowsAsync(ask(second(0.019)));
  await t.throwsAsync(ask(second(0.021)), { message: /0\.021 below the largest/ });
});

test('a token is forced where sampling would choose one, and not in the greedy question', async (t) => {
  const { server, questions } = scriptedServer(raw, { top: 5, wholeToken: 0 });
  await probeScores(server, [1, 2]);
  t.deepEqual(
    questions.map(({ sampling, forcedToken }) => [sampling, forcedToken]),
    [
      [undefined, undefined],
      [{ temperature: 1 }, 0],
      [{ temperature: 2 }, 0],
      [{ temperature: 1, topK: 1 }, 0],
    ],
  );
});

test('a greedy token that is not the likeliest is refused', async (t) => {
  await t.throwsAsync(
    ask(() => ({ ...raw(), tokens: [{ id: 1 }] })),
    {
      instanceOf: SubjectError,
      message:
        /^the greedy token 1 has a log-probability that is 2.000 below the largest; expected the largest of the row/,
    },
  );
  await t.throwsAsync(
    ask(() => ({ ...raw(), tokens: [{ id: 9 }] })),
    { message: /that is not in its row/ },
  );
});

test('a server that scores after temperature is asked greedily alone', async (t) => {
  const dialect = scriptedDialect(raw, { scoresAfterTemperature: true });
  const { server, questions } = scriptedServer(raw, { dialect, top: 5 });
  await probeScores(server, [1, 2]);
  t.deepEqual(
    questions.map(({ sampling }) => sampling),
    [undefined],
  );
});

test('sampling that a server refuses is no evidence; a greedy question that it refuses is an error', async (t) => {
  const refusal = new HttpStatusError('no such option', 400);
  const picky = ({ sampling }: Question) => {
    if (sampling) throw refusal;
    return raw();
  };
  await t.notThrowsAsync(ask(picky));
  const broken = () => {
    throw refusal;
  };
  t.is(await t.throwsAsync(ask(broken)), refusal);
});

test('after a sampling that a server refuses or answers without a row, the others are still probed', async (t) => {
  const refuse = () => {
    throw new HttpStatusError('no such option', 400);
  };
  const without = (): Completion => ({ tokens: [{ id: 0 }] });
  for (const answer of [refuse, without]) {
    const cutOff = ({ sampling }: Question) => {
      if (sampling && !sampling.topK) return answer();
      return sampling ? { ...raw(), rows: [[{ id: 0, logprob: 0 }]] } : raw();
    };
    await t.throwsAsync(ask(cutOff), { instanceOf: SubjectError, message: /all they have with top_k 1;/ });
  }
});
