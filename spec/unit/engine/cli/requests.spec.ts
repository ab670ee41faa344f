import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { scheduleOptions } from '../../../../engine/cli/engine-flags.ts';
import {
  checkRequests,
  completeRequest,
  type NamedRequest,
  type RequestOptions,
  readRequests,
} from '../../../../engine/cli/requests.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { ChatTemplateError, FileError, PromptError, UsageError } from '../../../../engine/errors.ts';
import { completeSamplingParams, type SamplingOptions } from '../../../../engine/serving/sampling-params.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { jsonFile, linesFile, TINY_CONFIG } from './support.ts';

trackResources(test);

const messages = [{ role: 'user', content: 'x' }];

/** Expects an error of the second line. @returns the rest of its message. */
async function complaint(t: ExecutionContext, line: unknown): Promise<string> {
  const path = linesFile(t, { prompt: 'good' }, line);
  const error = await t.throwsAsync(readRequests({ requests: path }), { instanceOf: FileError });
  t.true(error.message.startsWith(`${path}: line 2: `), error.message);
  return error.message.slice(`${path}: line 2: `.length);
}

test('prompts of the command line are numbered, and leave everything else to the flags', async (t) => {
  t.deepEqual(await readRequests({ ids: jsonFile(t, [[1, 2], [3]]) }), [
    { name: 'prompt 0', prompt: { ids: [1, 2] }, maxTokens: undefined, sampling: {} },
    { name: 'prompt 1', prompt: { ids: [3] }, maxTokens: undefined, sampling: {} },
  ]);
});

test('lines of a file give texts, conversations, ids and options; blank lines are skipped', async (t) => {
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
  t.deepEqual(await readRequests({ requests: path }), [
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

test('numbers of a conversation stay as they are written, those of options are plain', async (t) => {
  const line =
    '{"messages": [{"role": "user", "content": "x", "id": 9223372036854775807}], "tools": [{"10": 1, "9": 2}], ' +
    '"maxTokens": 3.0, "temperature": 1.0, "logitBias": {"10": 1.0, "9": 2}}';
  const [{ prompt, maxTokens, sampling }] = await readRequests({ requests: linesFile(t, line) });
  const exact = [{ role: 'user', content: 'x', id: 9223372036854775807n }];
  const tools = [
    new Map([
      ['10', 1],
      ['9', 2],
    ]),
  ];
  t.deepEqual(prompt, { chat: { messages: exact, tools, enableThinking: undefined } });
  t.is(maxTokens, 3);
  t.deepEqual(sampling, { temperature: 1, logitBias: { 9: 2, 10: 1 } });
});

test('a line that is nested too deeply is refused, wherever that is', async (t) => {
  for (const key of ['messages', 'ids', 'logitBias']) {
    const deep = `{"${key}": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const path = linesFile(t, deep);
    await t.throwsAsync(readRequests({ requests: path }), {
      instanceOf: FileError,
      message: `cannot read ${path}: line 1 as JSON: it is nested too deeply`,
    });
  }
});

test('a line can have every sampling option of the engine', async (t) => {
  const { stopIds: _, ...params } = completeSamplingParams(
    { logprobs: 1, promptLogprobs: 1 },
    {
      vocabSize: 10,
      eosTokenIds: [],
    },
  );
  const requests = linesFile(t, { ids: [1], ...params });
  const [{ sampling }] = await readRequests({ requests });
  t.deepEqual(Object.keys(sampling).sort(), Object.keys(params).sort());
});

test('a file without requests, and a missing file, are refused', async (t) => {
  const missing = join(temporaryFolder(t), 'missing.jsonl');
  await t.throwsAsync(readRequests({ requests: missing }), {
    instanceOf: FileError,
    message: `cannot find ${missing} (looked for at ${missing})`,
  });
  const empty = linesFile(t, '', ' ');
  await t.throwsAsync(readRequests({ requests: empty }), {
    instanceOf: FileError,
    message: `${empty}: holds no requests; expected a JSON object in each line`,
  });
});

test('the error of a malformed line has its number', async (t) => {
  const torn = linesFile(t, { prompt: 'good' }, '{"prompt"');
  const error = await t.throwsAsync(readRequests({ requests: torn }), { instanceOf: FileError });
  t.true(error.message.startsWith(`cannot read ${torn}: line 2 as JSON: `), error.message);
  for (const [line, expected] of [
    ['[1]', 'the whole: found [ 1 ]; expected an object'],
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

test('an unknown key is refused, also one that every object inherits', async (t) => {
  t.regex(await complaint(t, { prompt: 'a', top_k: 5 }), /^unknown key "top_k"; known are .*ids, .*topK/);
  t.regex(await complaint(t, '{"prompt": "a", "toString": 1}'), /^unknown key "toString"/);
  t.regex(await complaint(t, '{"prompt": "a", "__proto__": 1}'), /^unknown key "__proto__"/);
});

test('a key that stands twice is refused, at any depth', async (t) => {
  const twice = 'has the key "ids" twice; expected each key once';
  t.is(await complaint(t, '{"ids": [1], "maxTokens": 1, "ids": [2]}'), twice);
  const nested = '{"messages": [{"role": "user", "content": "a", "content": "b"}]}';
  t.is(await complaint(t, nested), 'has the key "content" twice; expected each key once');
});

test('the error of a malformed message has its line and place', async (t) => {
  const path = linesFile(t, { messages: [{ role: 'user' }] });
  await t.throwsAsync(readRequests({ requests: path }), {
    instanceOf: ChatTemplateError,
    message: `${path}: line 1: messages[0].content: found undefined; expected a string`,
  });
  t.regex(await complaint(t, { messages, enable_thinking: 'no' }), /^enable_thinking: .*expected boolean/);
});

function complete(flags: RequestOptions, sampling: SamplingOptions = {}, maxTokens?: number) {
  return completeRequest({ name: 'f: line 1', prompt: { ids: [1] }, maxTokens, sampling }, flags);
}

test('a line takes precedence over the flags, also with 0', (t) => {
  t.deepEqual(complete({ maxTokens: 5, topK: 7, seed: 1 }, { seed: 0 }), {
    ...{ name: 'f: line 1', maxNewTokens: 5, topK: 7, seed: 0 },
  });
  t.is(complete({ maxTokens: 5 }, {}, 0).maxNewTokens, 0);
  t.is(complete({}, {}, 6).maxNewTokens, 6);
});

test('a request without a limit is wrong usage', (t) => {
  t.throws(() => complete({}), { instanceOf: UsageError, message: 'give --max-tokens' });
  t.throws(() => complete({ requests: 'f' }), {
    instanceOf: UsageError,
    message: 'f: line 1: has no maxTokens: add it, or give --max-tokens',
  });
});

test('log-probabilities without --json are wrong usage, because text does not show them', (t) => {
  for (const options of [{ logprobs: 0 }, { promptLogprobs: 0 }]) {
    const expected = { instanceOf: UsageError, message: /^log-probabilities are printed with --json only/ };
    t.throws(() => complete({ maxTokens: 1, ...options }), expected);
    t.throws(() => complete({ maxTokens: 1 }, options), expected);
    t.like(complete({ maxTokens: 1, json: true }, options), options);
  }
});

test('several samples at temperature 0 are wrong usage, because all would be the same', (t) => {
  for (const temperature of [undefined, 0]) {
    t.throws(() => complete({ maxTokens: 1, samples: 2, temperature }), {
      instanceOf: UsageError,
      message: /^--samples without --temperature/,
    });
  }
  t.is(complete({ maxTokens: 1, samples: 1 }).n, 1);
  t.is(complete({ maxTokens: 1, samples: 2, temperature: 1 }).n, 2);
  t.is(complete({ maxTokens: 1, samples: 2, requests: 'f' }, { temperature: 1 }).n, 2);
});

test('an option out of its range is wrong usage as a flag, and an error of its line in a file', (t) => {
  t.throws(() => complete({ maxTokens: 1, temperature: -1 }), {
    instanceOf: UsageError,
    message: /^temperature is -1; expected 0/,
  });
  t.throws(() => complete({ maxTokens: 1, requests: 'f' }, { n: 2 }), {
    instanceOf: PromptError,
    message: /^f: line 1: n is 2; expected 1 with temperature 0/,
  });
});

const config = parseModelConfig(TINY_CONFIG);

/** Checks two requests, of which the second is changed. */
function check(request: Partial<NamedRequest>, { hasText = true, blockSize = 2, cacheBlocks = 8 } = {}) {
  const options = scheduleOptions({ blockSize, cacheBlocks }, [], config);
  const first = { name: 'first', ids: [1, 2, 3], maxNewTokens: 13 };
  checkRequests([first, { ...first, name: 'second', ...request }], config, options, hasText);
}

test('the error of a request that cannot be served has its name and the reason', (t) => {
  t.notThrows(() => check({ stop: ['a'], stopTokenIds: [303] }));
  for (const [request, message] of [
    [{ ids: [304] }, /^second: .*expected a whole number from 0 to 303/],
    [{ maxNewTokens: 14 }, /^second: .* 17 positions/],
    [{ stopTokenIds: [304] }, /^second: stopTokenIds\[0\] is 304/],
    [{ logprobs: 305 }, /^second: logprobs is 305; expected a whole number from 0 to 304/],
  ] as const) {
    t.throws(() => check(request), { instanceOf: PromptError, message });
  }
});

test('stop strings need a tokenizer', (t) => {
  t.notThrows(() => check({}, { hasText: false }));
  t.throws(() => check({ stop: ['a'] }, { hasText: false }), {
    instanceOf: PromptError,
    message: /^second: stop strings need text/,
  });
});

test('a request that is larger than the cache is refused', (t) => {
  t.notThrows(() => check({}, { blockSize: 5, cacheBlocks: 4 }));
  t.throws(() => check({}, { blockSize: 5, cacheBlocks: 3 }), {
    instanceOf: PromptError,
    message: /^first: .* take 4 blocks of 5 positions; the cache has 3: raise --cache-blocks$/,
  });
});
