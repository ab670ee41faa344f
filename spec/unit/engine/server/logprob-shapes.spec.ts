import test from 'ava';
import {
  chatLogprobs,
  completionLogprobs,
  manyCompletionLogprobs,
  promptLogprobs,
  type TokenNames,
  tokenName,
} from '../../../../engine/server/logprob-shapes.ts';

const PIECES = ['a', '\xc3', '\xa9', '', '<\xc3', '\\\xff', '__proto__', '\xef\xbb\xbf'].map((bytes) =>
  Uint8Array.from(bytes, (char) => char.charCodeAt(0)),
);
const names: TokenNames = { vocabulary: { bytesOf: (id) => PIECES[id] }, asIds: false };
const row = (token: number, logprob: number, top: [number, number][] = []) => ({
  ...{ token, logprob },
  top: top.map(([id, value]) => ({ token: id, logprob: value })),
});

test('every token has a name of its own: text, bytes, or the id', (t) => {
  t.deepEqual(
    [...PIECES.keys()].map((token) => tokenName(token, names)),
    [
      'a',
      'bytes:\\xc3',
      'bytes:\\xa9',
      'token_id:3',
      'bytes:<\\xc3',
      'bytes:\\x5c\\xff',
      '__proto__',
      '\ufeff',
    ],
  );
  t.is(tokenName(0, { ...names, asIds: true }), 'token_id:0');
  const inAnother = { bytesOf: () => Buffer.from('abcd').subarray(1, 3) };
  t.is(tokenName(0, { vocabulary: inAnother, asIds: false }), 'bc');
});

test('completions have parallel lists, with the token itself among the most probable', async (t) => {
  const tokens = [
    { token: 0, logprobs: undefined, offset: 0 },
    { token: 1, logprobs: row(1, -2, [[6, -0.5]]), offset: 1 },
    { token: 2, logprobs: row(2, -0.25, [[2, -0.25]]), offset: 1 },
  ];
  const { top_logprobs, ...lists } = completionLogprobs(tokens, names);
  t.deepEqual(lists, {
    text_offset: [0, 1, 1],
    tokens: ['a', 'bytes:\\xc3', 'bytes:\\xa9'],
    token_logprobs: [null, -2, -0.25],
  });
  t.deepEqual(await manyCompletionLogprobs(tokens, names), { ...lists, top_logprobs });
  t.is(JSON.stringify(top_logprobs), '[null,{"__proto__":-0.5,"bytes:\\\\xc3":-2},{"bytes:\\\\xa9":-0.25}]');
});

test('chat has names, exact bytes and exactly the tokens asked for', (t) => {
  t.deepEqual(chatLogprobs(row(1, -2, [[0, -0.5]]), names), {
    ...{ token: 'bytes:\\xc3', logprob: -2, bytes: [0xc3] },
    top_logprobs: [{ token: 'a', logprob: -0.5, bytes: [0x61] }],
  });
});

test('tokens of the prompt are by id, with their rank', async (t) => {
  t.deepEqual(
    await promptLogprobs(
      [
        { ...row(4, -3, [[0, -1]]), rank: 7 },
        {
          ...row(0, -1, [
            [6, -0.5],
            [0, -1],
          ]),
          rank: 2,
        },
      ],
      names,
    ),
    [
      null,
      {
        0: { logprob: -1, rank: 1, decoded_token: 'a' },
        4: { logprob: -3, rank: 7, decoded_token: 'bytes:<\\xc3' },
      },
      {
        6: { logprob: -0.5, rank: 1, decoded_token: '__proto__' },
        0: { logprob: -1, rank: 2, decoded_token: 'a' },
      },
    ],
  );
});

test('minus infinity is written as vLLM writes it', (t) => {
  t.is(chatLogprobs(row(0, -Infinity), names).logprob, -9999);
});
