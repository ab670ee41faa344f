import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readRequestFile } from '../../../../engine/cli/request-file.ts';
import { ChatTemplateError, FileError } from '../../../../engine/errors.ts';
import { completeSamplingParams } from '../../../../engine/serving/sampling-params.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { linesFile } from './support.ts';

trackResources(test);

const messages = [{ role: 'user', content: 'x' }];

/** Expects a complaint about the second line, and returns the rest of it. */
async function complaint(t: ExecutionContext, line: unknown): Promise<string> {
  const path = linesFile(t, { prompt: 'good' }, line);
  const error = await t.throwsAsync(readRequestFile(path), { instanceOf: FileError });
  t.true(error.message.startsWith(`${path}: line 2: `), error.message);
  return error.message.slice(`${path}: line 2: `.length);
}

test('texts, conversations and ids are read, with what their lines say; blank lines are skipped', async (t) => {
  const tools = [{ type: 'function' }];
  const path = linesFile(
    t,
    { prompt: '', maxTokens: 0, temperature: 0.5, stop: ['a'] },
    ' \r',
    { messages, tools, enable_thinking: false, n: 2 },
    '',
    '{"ids": [1, 2], "maxTokens": 3}\r',
    { messages },
    '',
  );
  const chat = { messages, tools: undefined, enableThinking: undefined };
  t.deepEqual(await readRequestFile(path), [
    {
      name: `${path}: line 1`,
      prompt: { text: '' },
      maxTokens: 0,
      sampling: { temperature: 0.5, stop: ['a'] },
    },
    {
      name: `${path}: line 3`,
      prompt: { chat: { messages, tools, enableThinking: false } },
      maxTokens: undefined,
      sampling: { n: 2 },
    },
    { name: `${path}: line 5`, prompt: { ids: [1, 2] }, maxTokens: 3, sampling: {} },
    { name: `${path}: line 6`, prompt: { chat }, maxTokens: undefined, sampling: {} },
  ]);
});

test('every sampling option of the engine can stand in a line', async (t) => {
  const { stopIds: _, ...params } = completeSamplingParams(
    { logprobs: 1, promptLogprobs: 1 },
    {
      vocabSize: 10,
      eosTokenIds: [],
    },
  );
  const [{ sampling }] = await readRequestFile(linesFile(t, { ids: [1], ...params }));
  t.deepEqual(Object.keys(sampling).sort(), Object.keys(params).sort());
});

test('a file without requests, or that is not there, is refused', async (t) => {
  const missing = join(temporaryFolder(t), 'missing.jsonl');
  await t.throwsAsync(readRequestFile(missing), {
    instanceOf: FileError,
    message: `${missing}: does not exist (looked for at ${missing})`,
  });
  const empty = linesFile(t, '', ' ');
  await t.throwsAsync(readRequestFile(empty), {
    instanceOf: FileError,
    message: `${empty}: holds no requests; expected a JSON object in each line`,
  });
});

test('a line that is no request is refused by its number', async (t) => {
  t.regex(await complaint(t, '{"prompt"'), /^is not valid JSON: /);
  for (const [line, expected] of [
    ['[1]', 'the whole: found [1]; expected an object'],
    ['null', 'the whole: found null; expected an object'],
    [{}, 'has no prompt; expected one of prompt, messages and ids'],
    [{ prompt: 'a', ids: [1] }, 'has prompt and ids; expected one of prompt, messages and ids'],
    [{ prompt: 1 }, 'prompt: found 1; expected a string'],
    [{ ids: 1 }, 'ids: found 1; expected an array of token ids'],
    [{ ids: [1, '2'] }, 'ids, position 1: found "2"; expected a token id'],
    [{ ids: [1], tools: [] }, 'tools goes with messages, not with ids'],
    [{ prompt: 'a', enable_thinking: true }, 'enable_thinking goes with messages, not with prompt'],
    [{ prompt: 'a', maxTokens: 1.5 }, 'maxTokens: found 1.5; expected a whole number, 0 or more'],
    [{ prompt: 'a', maxTokens: -1 }, 'maxTokens: found -1; expected a whole number, 0 or more'],
    [{ prompt: 'a', maxTokens: '1' }, 'maxTokens: found "1"; expected a whole number, 0 or more'],
  ] as const) {
    t.is(await complaint(t, line), expected);
  }
});

test('a key that is not known is refused, one that every object has too', async (t) => {
  t.regex(await complaint(t, { prompt: 'a', top_k: 5 }), /^unknown key "top_k"; known are .*ids, .*topK/);
  t.regex(await complaint(t, '{"prompt": "a", "toString": 1}'), /^unknown key "toString"/);
  t.regex(await complaint(t, '{"prompt": "a", "__proto__": 1}'), /^unknown key "__proto__"/);
});

test('a malformed message is refused by its line and place', async (t) => {
  const path = linesFile(t, { messages: [{ role: 'user' }] });
  await t.throwsAsync(readRequestFile(path), {
    instanceOf: ChatTemplateError,
    message: `${path}: line 1: messages[0].content: found undefined; expected a string`,
  });
  t.regex(await complaint(t, { messages, enable_thinking: 'no' }), /^enable_thinking: .*expected boolean/);
});
