import test from 'ava';
import {
  nameOf,
  openaiLogprobs,
  openaiStream,
  readLogprobs,
} from '../../../../../../verify/adapters/http/dialects/openai-logprobs.ts';
import { SubjectError } from '../../../../../../verify/errors.ts';

const read = (json: unknown) => readLogprobs('forward', openaiLogprobs.parse(json));

test('legacy maps give a row for each token; tokens are texts, written ids or ids', (t) => {
  t.deepEqual(
    read({ tokens: ['a', 'token_id:7', 9], top_logprobs: [{ a: -1, 'token_id:7': -2 }, null, {}] }),
    {
      tokens: [{ text: 'a' }, { id: 7 }, { id: 9 }],
      rows: [
        [
          { text: 'a', logprob: -1 },
          { id: 7, logprob: -2 },
        ],
        undefined,
        [],
      ],
    },
  );
  t.deepEqual(read({ tokens: ['a'] }), { tokens: [{ text: 'a' }] });
});

test("the chat API's form gives a row for each token, with ids where the server has them", (t) => {
  const content = [
    {
      id: 5,
      token: 'a',
      logprob: -1,
      top_logprobs: [
        { id: 5, token: 'a', logprob: -1 },
        { token: 'b', logprob: -2 },
      ],
    },
  ];
  t.deepEqual(read({ content }), {
    tokens: [{ id: 5, text: 'a' }],
    rows: [
      [
        { id: 5, text: 'a', logprob: -1 },
        { text: 'b', logprob: -2 },
      ],
    ],
  });
});

test('as many rows as tokens are expected, and numbers in them', (t) => {
  t.throws(() => read({ tokens: ['a'], top_logprobs: [] }), {
    instanceOf: SubjectError,
    message: 'forward: found 0 rows of log-probabilities for 1 tokens; expected one row for each token',
  });
  t.throws(() => read({ tokens: ['a'], top_logprobs: [{}, {}] }), {
    instanceOf: SubjectError,
    message: 'forward: found 2 rows of log-probabilities for 1 tokens; expected one row for each token',
  });
  for (const wrong of [
    {},
    [],
    { tokens: ['a'], top_logprobs: [{ a: null }] },
    { content: [{ token: 'a' }] },
  ]) {
    t.false(openaiLogprobs.safeParse(wrong).success);
  }
});

test('events of a stream make the whole answer, whichever of them has a part', (t) => {
  const joined = openaiStream.join(
    [
      { choices: [{ prompt_token_ids: [1, 2] }] },
      { choices: [{ token_ids: [3, 4], logprobs: { tokens: ['a', 'b'] } }] },
      { choices: [{ finish_reason: 'length', token_ids: [5] }], usage: { prompt_tokens: 2 } },
      { choices: [{ finish_reason: null }] },
      { choices: [] },
    ],
    'generate',
  );
  const choice = {
    ...{ finish_reason: 'length', logprobs: { tokens: ['a', 'b'] } },
    ...{ token_ids: [3, 4, 5], prompt_token_ids: [1, 2] },
  };
  t.deepEqual(joined, { choices: [choice], usage: { prompt_tokens: 2 } });
});

test('a text that only looks like a written id is a text', (t) => {
  t.deepEqual(nameOf('token_id:123456789'), { id: 123456789 });
  for (const text of ['token_id:', 'token_id:x', ' token_id:1', 'token_id:12345678901'])
    t.deepEqual(nameOf(text), { text });
});

test('parts of a stream without rows keep their places among those that have some', (t) => {
  const part = (logprobs: object) => ({ choices: [{ logprobs }] });
  const joined = (...parts: object[]) =>
    read(
      (openaiStream.join(parts.map(part), 'generate') as { choices: { logprobs: unknown }[] }).choices[0]
        .logprobs,
    );
  const rowOf = (text: string) => [{ text, logprob: -1 }];
  const scored = (text: string) => ({ tokens: [text], top_logprobs: [{ [text]: -1 }] });
  t.deepEqual(
    joined(scored('a'), { tokens: ['b', 'c'] }, { tokens: ['d'], top_logprobs: null }, scored('e')),
    {
      tokens: ['a', 'b', 'c', 'd', 'e'].map((text) => ({ text })),
      rows: [rowOf('a'), undefined, undefined, undefined, rowOf('e')],
    },
  );
  t.deepEqual(joined({ tokens: ['a'] }, { tokens: ['b'] }), { tokens: [{ text: 'a' }, { text: 'b' }] });
});
