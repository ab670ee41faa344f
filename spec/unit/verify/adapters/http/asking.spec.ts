import test from 'ava';
import {
  askServer,
  idOfToken,
  type ServerProfile,
  scoresOf,
} from '../../../../../verify/adapters/http/asking.ts';
import type { Completion, Question } from '../../../../../verify/adapters/http/dialect.ts';
import { forward } from '../../../../../verify/adapters/http/forward.ts';
import { generate } from '../../../../../verify/adapters/http/generate.ts';
import { InternedText } from '../../../../../verify/adapters/http/interned-text.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import { probeScores } from '../../../../../verify/adapters/http/probe-scores.ts';
import { probeServer } from '../../../../../verify/adapters/http/probe-server.ts';
import { TokenText } from '../../../../../verify/adapters/http/token-text.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { scriptedDialect, scriptedServer } from '../../../../support/servers/scripted-server.ts';

const QUESTION = { asked: 'forward: position 1 of 2', ids: [1, 2], maxNewTokens: 1 };
const ROW = [{ id: 3, logprob: -1 }];
const ANSWER: Completion = { tokens: [{ id: 3 }], rows: [ROW], promptLength: 2 };

/** Letters are tokens: "a" is 0. */
const LETTERS = new TokenText({
  encode: (text) => Array.from(text, (letter) => letter.charCodeAt(0) - 97),
  decode: (ids) => String.fromCharCode(...Array.from(ids, (id) => id + 97)),
  vocabSize: 26,
  bytesOf: (id) => Buffer.of(id + 97),
});

test('a prompt is given as ids, or as the text that encodes to them', async (t) => {
  const byIds = scriptedServer(() => ANSWER);
  t.deepEqual(await askServer(byIds.server, QUESTION), ANSWER);
  t.like(byIds.questions[0], { prompt: { ids: [1, 2] }, top: 2, maxNewTokens: 1 });
  const byText = scriptedServer(() => ANSWER, { prompts: 'text', text: LETTERS });
  await askServer(byText.server, QUESTION);
  t.deepEqual(byText.questions[0].prompt, { text: 'bc' });
  await t.throwsAsync(askServer(scriptedServer(() => ANSWER, { prompts: 'text' }).server, QUESTION), {
    instanceOf: NotSupportedError,
    message: /takes text, and the model's directory has no tokenizer; expected tokenizer.json/,
  });
});

test('a server that was given ids and counts or returns others has a wrong answer', async (t) => {
  for (const [wrong, message] of [
    [{ promptLength: 3 }, /found a prompt of 3 tokens; expected the 2 tokens of the question$/],
    [{ promptIds: [1, 9] }, /found prompt token 9 at index 1; expected token 2$/],
    [{ promptIds: [1] }, /found a prompt of 1 tokens; expected the 2 tokens/],
  ] as const) {
    const { server } = scriptedServer(() => ({ ...ANSWER, ...wrong }));
    await t.throwsAsync(askServer(server, QUESTION), { instanceOf: SubjectError, message });
  }
});

test('a server that makes other ids of a text, or does not tell how many, cannot be asked about these ids', async (t) => {
  for (const [wrong, message] of [
    [
      { promptLength: 3 },
      /the server's tokenizer makes a prompt of 3 tokens of the text; expected the 2 tokens/,
    ],
    [
      { promptIds: [1, 9] },
      /the server's tokenizer makes prompt token 9 at index 1 of the text; expected token 2$/,
    ],
    [{ promptLength: undefined }, /does not tell how many tokens it makes of it; expected their number$/],
  ] as const) {
    const { server } = scriptedServer(() => ({ ...ANSWER, ...wrong }), { prompts: 'text', text: LETTERS });
    await t.throwsAsync(askServer(server, QUESTION), { instanceOf: NotSupportedError, message });
  }
});

test('a server that does not tell what it made of a text is asked for its ids', async (t) => {
  const untold = () => ({ ...ANSWER, promptLength: undefined });
  const { client } = scriptedServer(untold).server;
  const ask = (ids: number[]) => {
    const dialect = scriptedDialect(untold, { tokenize: async () => ids });
    return askServer(
      { dialect, client, prompts: 'text', text: LETTERS, top: 2, scoresPrompts: false },
      QUESTION,
    );
  };
  t.deepEqual((await ask([1, 2])).promptIds, [1, 2]);
  await t.throwsAsync(ask([1, 3]), {
    instanceOf: NotSupportedError,
    message: /tokenizer makes prompt token 3 at index 1 of the text; expected token 2$/,
  });
});

test('answers of other lengths are refused', async (t) => {
  for (const [wrong, message] of [
    [{ tokens: [{ id: 1 }, { id: 2 }], rows: [ROW, ROW] }, /found 2 generated tokens; expected 1 at most$/],
    [{ rows: [] }, /found 0 rows of log-probabilities for 1 tokens; expected one row for each token$/],
    [{ rows: [ROW, ROW] }, /found 2 rows of log-probabilities for 1 tokens; expected one row/],
    [{ promptRows: [undefined, ROW, ROW] }, /found 3 rows for the prompt of 2 tokens; expected one row/],
    [
      { promptRows: [undefined] },
      /found 1 rows for the prompt of 2 tokens; expected one row for each token$/,
    ],
  ] as const) {
    const { server } = scriptedServer(() => ({ ...ANSWER, ...wrong }));
    await t.throwsAsync(askServer(server, { ...QUESTION, promptRows: true }), {
      instanceOf: SubjectError,
      message,
    });
  }
});

test('a generated token has its id, or that of its text', (t) => {
  const { server } = scriptedServer(() => ANSWER, { text: LETTERS, vocabSize: 26 });
  t.is(idOfToken(server, 'generate', { id: 7, text: 'a' }), 7);
  t.is(idOfToken(server, 'generate', { text: 'c' }), 2);
  t.throws(() => idOfToken(server, 'generate', { text: 'ab' }), {
    instanceOf: NotSupportedError,
    message: /^generate: the server gives the text "ab" of a token and no id; expected a text/,
  });
  t.throws(() => idOfToken(server, 'generate', { id: 26 }), {
    instanceOf: SubjectError,
    message: 'generate: found token 26; expected ids from 0 to 25',
  });
});

test('entries with unknown ids are counted', (t) => {
  let dropped = 0;
  const { server } = scriptedServer(() => ANSWER, {
    text: LETTERS,
    onDropped: (count) => {
      t.true(count > 0);
      dropped += count;
    },
  });
  const known = ['b', 'c'].map((text, i) => ({ text, logprob: -1 - i }));
  t.deepEqual([...scoresOf(server, 'forward', known)!.ids!], [1, 2]);
  t.is(dropped, 0);
  t.is(
    scoresOf(server, 'forward', [
      { text: 'ab', logprob: -1 },
      { text: 'b', logprob: -2 },
    ]),
    undefined,
  );
  t.is(dropped, 2);
});

/** Ways to ask, each with a number of exchanges. A row comes when its token is forced, or with others. */
const WAYS: Readonly<
  Record<string, [number, (server: ServerProfile, signal: AbortSignal) => Promise<unknown>]>
> = {
  'a question': [1, (server, signal) => askServer(server, { ...QUESTION, signal })],
  'a stream': [1, (server, signal) => askServer(server, { ...QUESTION, stream: true, signal })],
  'a text whose ids are asked for': [
    2,
    (server, signal) => askServer({ ...server, prompts: 'text', text: LETTERS }, { ...QUESTION, signal }),
  ],
  'positions one after the other': [
    4,
    (server, signal) => forward(server, { ids: [1, 2], positions: [0, 1], signal }),
  ],
  'positions at once': [
    1,
    (server, signal) =>
      forward({ ...server, scoresPrompts: true }, { ids: [1, 2], positions: [0, 1], signal }),
  ],
  'a continuation and its rows': [
    6,
    (server, signal) => generate(server, { ids: [1, 2], maxNewTokens: 2, signal }),
  ],
  'what a server gives': [
    2,
    ({ dialect, ...server }, signal) =>
      probeServer({ ...server, dialect: { ...dialect, scoresPrompts: true } }, undefined, signal),
  ],
  'what scores are': [4, (server, signal) => probeScores(server, [1, 2], signal)],
};

for (const [way, [exchanges, ask]] of Object.entries(WAYS)) {
  test(`${way}: every exchange has the signal of the question`, async (t) => {
    const { signal } = new AbortController();
    const script = ({ prompt, forcedToken, promptRows, asked, maxNewTokens }: Question): Completion => ({
      tokens: [{ id: forcedToken ?? 3 }],
      rows: [asked.startsWith('probe') || promptRows || forcedToken !== undefined ? ROW : undefined],
      ...(promptRows ? { promptRows: 'ids' in prompt ? prompt.ids.map(() => ROW) : [] } : {}),
      ...(maxNewTokens > 0 ? {} : { tokens: [] }),
    });
    const dialect = scriptedDialect(script, {
      stream: { body: (whole) => ({ ...whole }), join: () => ({}) },
      tokenize: async (send) => {
        await send({ method: 'POST', path: '/tokenize' });
        return [1, 2];
      },
    });
    const { server, signals } = scriptedServer(script, { dialect, wholeToken: 3 });
    await ask(server, signal);
    t.is(signals.length, exchanges);
    t.true(signals.every((each) => each === signal));
  });
}

test('a stream has a path of its own, and only a refusal says that the server has no streams', async (t) => {
  const paths: string[] = [];
  const answer = { json: async () => ({}), events: async () => [{}] };
  const dialect = (path?: string) =>
    scriptedDialect(() => ANSWER, { stream: { path, body: (whole) => ({ ...whole }), join: () => ({}) } });
  const ask = (path: string | undefined, events: ServerProfile['client']['events']) => {
    const { server } = scriptedServer(() => ANSWER, {
      dialect: dialect(path),
      client: { ...answer, events },
    });
    return askServer(server, { ...QUESTION, stream: true });
  };
  const record: ServerProfile['client']['events'] = async ({ path }) => {
    paths.push(path);
    return [{}];
  };
  await ask('/streamed', record);
  await ask(undefined, record);
  t.deepEqual(paths, ['/streamed', '/scripted']);
  const [refusal, locked] = [new HttpStatusError('no', 400), new HttpStatusError('no key', 401)];
  await t.throwsAsync(
    ask(undefined, () => Promise.reject(refusal)),
    { instanceOf: NotSupportedError, message: 'no; expected an answer in parts' },
  );
  t.is(await t.throwsAsync(ask(undefined, () => Promise.reject(locked))), locked);
});

test('a server may say nothing of ids, stop early, and is asked for as many rows as the question says', async (t) => {
  const untold = { tokens: [{ id: 3 }] };
  const { server, questions } = scriptedServer(() => untold);
  t.deepEqual(await askServer(server, { ...QUESTION, maxNewTokens: 5, top: 0 }), untold);
  t.is(questions[0].top, 0);
});

test('the length of a prompt that a server tells is enough, and ids are exact whatever texts are', async (t) => {
  const tokenize = () => Promise.reject(new Error('not asked'));
  const told = scriptedServer(() => ANSWER, { prompts: 'text', text: LETTERS });
  const dialect = { ...told.server.dialect, tokenize };
  t.deepEqual(await askServer({ ...told.server, dialect }, QUESTION), ANSWER);
  const other = scriptedServer(() => ({ ...ANSWER, promptLength: 3 }), { text: new InternedText() });
  await t.throwsAsync(askServer(other.server, QUESTION), { instanceOf: SubjectError });
});
