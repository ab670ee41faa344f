import test from 'ava';
import type { Completion, Question } from '../../../../../verify/adapters/http/dialect.ts';
import { forward, rowAt } from '../../../../../verify/adapters/http/forward.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { scriptedDialect, scriptedServer } from '../../../../support/servers/scripted-server.ts';

/** The row after a prompt: its likeliest token is the prompt's last and one. */
const rowAfter = (ids: readonly number[]) => [
  { id: ids[ids.length - 1] + 1, logprob: -0.5 },
  { id: 0, logprob: -2 },
];
const idsOf = ({ prompt }: Question) => ('ids' in prompt ? prompt.ids : []);
const walked = (question: Question): Completion => {
  const row = rowAfter(idsOf(question));
  return { tokens: [{ id: row[0].id }], rows: [row] };
};
/** As vLLM: the first token has no row, and each row shows the prompt's own token too. */
const scored = (question: Question): Completion => {
  const ids = idsOf(question);
  const promptRows = ids.map((id, i) =>
    i === 0 ? undefined : [...rowAfter(ids.slice(0, i)), { id, logprob: -9 }],
  );
  return { ...walked(question), ...(question.promptRows ? { promptRows } : {}) };
};
const likeliest = (rows: readonly { ids?: Int32Array }[]) => rows.map(({ ids }) => ids![0]);
const IDS = [10, 20, 30, 40];

test('a server that scores no prompts is walked: one request for each position, ascending', async (t) => {
  const { server, questions } = scriptedServer(walked);
  const { rows } = await forward(server, { ids: IDS, positions: [0, 2, 3] });
  t.deepEqual(likeliest(rows), [11, 31, 41]);
  t.deepEqual(questions.map(idsOf), [[10], [10, 20, 30], IDS]);
  t.is(questions[1].asked, 'forward: position 2 of 4');
});

test('a server that scores prompts is asked once; the generated token gives the last row', async (t) => {
  const { server, questions } = scriptedServer(scored, { scoresPrompts: true });
  const { rows } = await forward(server, { ids: IDS, positions: [0, 2, 3] });
  t.deepEqual(likeliest(rows), [11, 31, 41]);
  t.deepEqual([...rows[0].ids!], [11, 0], "the prompt's own token is not of the likeliest");
  t.deepEqual(
    questions.map(({ promptRows }) => promptRows),
    [true],
  );
  t.deepEqual(likeliest((await forward(server, { ids: IDS, positions: [3] })).rows), [41]);
  t.is(questions[1].promptRows, undefined, 'the last position needs no rows of the prompt');
});

test('positions that no text reaches are left out with the reason, whether prompts are scored or walked', async (t) => {
  const cut = (ids: readonly number[]) => ids.length === 2 || ids.length === 4;
  const refusing = (script: typeof walked) => (question: Question) => {
    const ids = idsOf(question);
    if (cut(ids)) throw new NotSupportedError(`no text encodes to these ${ids.length} ids`);
    return script(question);
  };
  for (const [script, scoresPrompts] of [
    [walked, false],
    [scored, true],
  ] as const) {
    const { server, questions } = scriptedServer(refusing(script), { scoresPrompts });
    const { rows, unreached } = await forward(server, { ids: IDS, positions: [0, 1, 2, 3] });
    t.deepEqual(likeliest(rows), [11, 31]);
    t.deepEqual(unreached, [
      { position: 1, why: 'no text encodes to these 2 ids' },
      { position: 3, why: 'no text encodes to these 4 ids' },
    ]);
    t.is(questions.length, scoresPrompts ? 5 : 4);
  }
  const { server } = scriptedServer(refusing(walked));
  await t.throwsAsync(forward(server, { ids: IDS, positions: [1, 3] }), {
    instanceOf: NotSupportedError,
    message: 'no text encodes to these 2 ids',
  });
});

test('where rows show the next token of the prompt, the last row has none to show', async (t) => {
  const dialect = scriptedDialect(scored, { showsPromptTokens: true });
  const { server } = scriptedServer(scored, { scoresPrompts: true, dialect });
  const { rows } = await forward(server, { ids: IDS, positions: [0, 2, 3] });
  t.deepEqual(likeliest(rows), [11, 31, 41]);
});

test('rows of another prompt, stale in a cache, are refused', async (t) => {
  const dialect = scriptedDialect((question) => scored({ ...question, prompt: { ids: [10, 20, 31, 40] } }), {
    showsPromptTokens: true,
  });
  const { server } = scriptedServer(scored, { scoresPrompts: true, dialect });
  await t.throwsAsync(forward(server, { ids: IDS, positions: [0, 1] }), {
    instanceOf: SubjectError,
    message:
      "forward: position 1 of 4: found a row without the prompt's next token 30; expected the row of this prompt",
  });
});

test('a server without scores, a row or ids says why a position has none', async (t) => {
  const ask = (script: (question: Question) => Completion, top = 2) =>
    forward(scriptedServer(script, { top }).server, { ids: IDS, positions: [1] });
  await t.throwsAsync(ask(walked, 0), {
    instanceOf: NotSupportedError,
    message: /gives no log-probabilities/,
  });
  await t.throwsAsync(
    ask(() => ({ tokens: [], finishReason: 'stop' })),
    {
      instanceOf: NotSupportedError,
      message:
        'forward: position 1 of 4: the server gives no log-probabilities; it stopped: stop; expected those of one token',
    },
  );
  await t.throwsAsync(
    ask(() => ({ tokens: [{ text: 'x' }], rows: [[{ text: 'x', logprob: -1 }]] })),
    {
      instanceOf: NotSupportedError,
      message: /the ids of the two likeliest tokens cannot be told from their texts/,
    },
  );
  const { server } = scriptedServer(scored, { scoresPrompts: true });
  await t.throwsAsync(forward(server, { ids: IDS, positions: [4] }), {
    message: /found position 4; expected/,
  });
  t.deepEqual(await forward(server, { ids: IDS, positions: [] }), { rows: [] });
});

test('a prompt row that is missing is refused', async (t) => {
  const script = (question: Question) => ({ ...scored(question), promptRows: IDS.map(() => undefined) });
  const { server } = scriptedServer(script, { scoresPrompts: true });
  await t.throwsAsync(forward(server, { ids: IDS, positions: [0, 1] }), {
    instanceOf: SubjectError,
    message: 'forward: position 0 of 4: found no row; expected a row of log-probabilities',
  });
});

test('the row of a token that cuts a character is that of a token that is forced', async (t) => {
  const script = (question: Question): Completion =>
    question.forcedToken === undefined
      ? { tokens: [{ id: 41 }], rows: [undefined] }
      : { tokens: [{ id: question.forcedToken }], rows: [rowAfter(idsOf(question))] };
  const { server, questions } = scriptedServer(script, { wholeToken: 7 });
  t.deepEqual([...(await rowAt(server, IDS, 3)).ids!], [41, 0]);
  t.deepEqual(
    questions.map(({ forcedToken }) => forcedToken),
    [undefined, 7],
  );
  // The likeliest of both answers may differ by rounding, by a thousandth of a nat.
  const apart = (nats: number) => (question: Question) => {
    const completion = script(question);
    const row = [
      { id: 9, logprob: -1 + nats },
      { id: 41, logprob: -1 },
    ];
    return { ...completion, rows: completion.rows!.map((each) => each && row) };
  };
  for (const nats of [0, 0.0009]) {
    const { ids } = await rowAt(scriptedServer(apart(nats), { wholeToken: 7 }).server, IDS, 3);
    t.deepEqual(
      [...ids!].sort((a, b) => a - b),
      [9, 41],
    );
  }
  await t.throwsAsync(rowAt(scriptedServer(apart(0.002), { wholeToken: 7 }).server, IDS, 3), {
    instanceOf: SubjectError,
  });
  const changed = scriptedServer(
    ({ forcedToken }) =>
      forcedToken === undefined
        ? { tokens: [{ id: 41 }], rows: [undefined] }
        : { tokens: [{ id: 7 }], rows: [[{ id: 7, logprob: 0 }]] },
    { wholeToken: 7 },
  );
  await t.throwsAsync(rowAt(changed.server, IDS, 3), {
    instanceOf: SubjectError,
    message:
      /found token 7 as the likeliest when another is forced, and token 41 when none is; expected log-probabilities from before sampling$/,
  });
});
