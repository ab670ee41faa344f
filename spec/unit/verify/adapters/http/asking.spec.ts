import test from 'ava';
import { askServer, idOfToken, scoresOf } from '../../../../../verify/adapters/http/asking.ts';
import type { Completion } from '../../../../../verify/adapters/http/dialect.ts';
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
