import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import test from 'ava';
import OpenAI from 'openai';
import type { ChatCompletion, ChatCompletionChunk } from '../../engine/server/chat/shapes.ts';
import { hasProgram } from '../support/adapters/has-program.ts';
import { writeScriptedCheckpoint } from '../support/models/scripted-checkpoint.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { type ServeProcess, startServe } from '../support/servers/plumbline-serve.ts';

// The server ends in a hook beside that of the tracker: on a busy machine it takes more than the usual time.
trackResources(test, { graceMs: 30_000 });

const THOUGHTS = '\nThe tool knows.\n';
const ARGUMENTS = '{"city": "Paris", "id": 9007199254740993}';
const CALL = ['<tool_call>', '\n{"name": "weather", "arguments": ', `${ARGUMENTS}}\n`, '</tool_call>'];
const ANSWER = ['It is', ' 21', ' °C', ' in Paris.'];
/** What Qwen3's template ends a prompt with leads to the one, or without thinking to the other. */
const SCRIPTS = [
  ['\n', '<think>', THOUGHTS, '</think>', ...CALL],
  ['\n\n', ...ANSWER],
];
/** The name in the examples of docs/serve.md. */
const model = 'Qwen/Qwen3-0.6B';
const messages = [{ role: 'user' as const, content: 'How is the weather?' }];
const noThinking = { chat_template_kwargs: { enable_thinking: false } };

let modelDir: string;
let server: ServeProcess;
let openai: OpenAI;

test.before(async () => {
  modelDir = mkdtempSync(join(tmpdir(), 'plumbline-'));
  writeScriptedCheckpoint(modelDir, SCRIPTS, ANSWER[0]);
  server = await startServe(modelDir, '--served-model-name', model);
  openai = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});

test.after.always(async (t) => {
  const { exitCode, err } = await server.end();
  rmSync(modelDir, { recursive: true });
  t.is(exitCode, 0, err);
});

/** What Prometheus reads of a metric. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', server.url))).text();
  return Number(new RegExp(`^plumbline_${name} (.+)$`, 'm').exec(text)?.[1]);
}

/** More tokens than are generated before an abort arrives, and fewer than fit. */
const MANY_TOKENS = 3000;

/** Leaves an endless answer, and waits until its sequence is not computed any more. */
async function isFreed(leave: () => Promise<unknown>): Promise<boolean> {
  const before = await metric('generation_tokens_total');
  await leave();
  for (let waits = 0; (await metric('num_requests_running')) > 0; waits++) {
    if (waits === 1000) throw new Error('the sequence is still computed');
    await sleep(10);
  }
  return (await metric('generation_tokens_total')) - before < MANY_TOKENS;
}

const tools: OpenAI.ChatCompletionTool[] = [
  { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } },
];

test.serial('openai: models and completions, whole and streamed', async (t) => {
  t.deepEqual(
    (await openai.models.list()).data.map(({ id }) => id),
    [model],
  );
  const asked = { model, prompt: 'Hello', max_tokens: 8, seed: 1 };
  const completion = await openai.completions.create({ ...asked, logprobs: 2 });
  t.is(completion.choices[0].text, ANSWER.join(''));
  t.is(completion.choices[0].finish_reason, 'stop');
  t.deepEqual(completion.choices[0].logprobs?.tokens, [...ANSWER, '<|im_end|>']);
  const streamed: string[] = [];
  for await (const { choices } of await openai.completions.create({ ...asked, stream: true })) {
    streamed.push(...choices.map(({ text }) => text));
  }
  t.is(streamed.join(''), ANSWER.join(''));
});

test.serial('openai: a call, its result, and the answer', async (t) => {
  const { choices, usage } = await openai.chat.completions.create({ model, messages, tools });
  const [{ message, finish_reason }] = choices;
  t.is(finish_reason, 'tool_calls');
  t.is(message.content, null);
  t.is((message as { reasoning_content?: string }).reasoning_content, THOUGHTS);
  const [call] = message.tool_calls ?? [];
  t.like(call, { type: 'function', function: { name: 'weather', arguments: ARGUMENTS } });
  t.is(usage?.completion_tokens, 8);
  const answered = await openai.chat.completions.create({
    ...{ model, tools, ...noThinking, temperature: 0, logprobs: true, top_logprobs: 1 },
    messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content: '21' }],
  });
  t.is(answered.choices[0].message.content, ANSWER.join(''));
  t.deepEqual(
    answered.choices[0].logprobs?.content?.map(({ token }) => token),
    [...ANSWER, '<|im_end|>'],
  );
});

test.serial('openai: its stream helper joins thoughts, calls, and the usage', async (t) => {
  const stream = openai.chat.completions.stream({
    model,
    messages,
    tools,
    stream_options: { include_usage: true },
  });
  const calls: string[] = [];
  stream.on('tool_calls.function.arguments.done', ({ name, arguments: json }) =>
    calls.push(`${name}(${json})`),
  );
  const { choices, usage } = await stream.finalChatCompletion();
  t.deepEqual(calls, [`weather(${ARGUMENTS})`]);
  t.is(choices[0].finish_reason, 'tool_calls');
  t.like(choices[0].message.tool_calls?.[0], { function: { name: 'weather', arguments: ARGUMENTS } });
  t.is(usage?.completion_tokens, 8);
  const plain = openai.chat.completions.stream({ model, messages, ...noThinking });
  t.is(await plain.finalContent(), ANSWER.join(''));
});

test.serial('openai: a stream that is left frees its blocks', async (t) => {
  const endless = { model, messages, ...noThinking, ignore_eos: true, stream: true } as const;
  const leave = async () => {
    for await (const { choices } of await openai.chat.completions.create(endless))
      if (choices[0].delta.content) break;
  };
  t.true(await isFreed(leave));
});

test.serial('openai: what is wrong is an error of its class, with the field', async (t) => {
  const image = [{ type: 'image_url' as const, image_url: { url: 'https://example.org/' } }];
  const error = await t.throwsAsync(
    openai.chat.completions.create({ model, messages: [{ role: 'user', content: image }] }),
    { instanceOf: OpenAI.BadRequestError },
  );
  t.is(error.param, 'messages[0].content[0]');
  t.is(error.type, 'invalid_request_error');
  await t.throwsAsync(openai.chat.completions.create({ model: 'gpt', messages }), {
    instanceOf: OpenAI.NotFoundError,
    message: /served is "Qwen\/Qwen3-0.6B"/,
  });
});

test.serial('openai: its types take every answer', async (t) => {
  const whole = (answer: ChatCompletion): OpenAI.ChatCompletion => answer;
  const chunk = (part: ChatCompletionChunk): OpenAI.ChatCompletionChunk => part;
  t.is(whole.length + chunk.length, 2);
});

const provider = () =>
  createOpenAICompatible({ name: 'plumbline', baseURL: server.url, includeUsage: true }).chatModel(model);
const weather = tool({
  inputSchema: jsonSchema<{ city: string }>({ type: 'object' }),
  execute: ({ city }) => city,
});
const asked = { prompt: 'How is the weather?', maxRetries: 0 };

test.serial('ai: text and a tool that is run, whole', async (t) => {
  const { steps } = await generateText({
    ...asked,
    model: provider(),
    tools: { weather },
    stopWhen: isStepCount(2),
  });
  t.is(steps.length, 2);
  for (const step of steps) {
    t.is(step.reasoningText, THOUGHTS);
    t.is(step.finishReason, 'tool-calls');
    t.deepEqual(
      step.toolResults.map(({ output }) => output),
      ['Paris'],
    );
  }
  const { text, finishReason, usage } = await generateText({
    ...{ ...asked, model: provider() },
    providerOptions: { plumbline: noThinking },
  });
  t.deepEqual([text, finishReason, usage.outputTokens], [ANSWER.join(''), 'stop', 5]);
});

test.serial('ai: text and a tool that is run, streamed', async (t) => {
  const result = streamText({ ...asked, model: provider(), tools: { weather } });
  const types = new Set<string>();
  for await (const { type } of result.fullStream) types.add(type);
  for (const type of ['reasoning-delta', 'tool-call', 'tool-result'])
    t.true(types.has(type), [...types].join());
  t.is(await result.reasoningText, THOUGHTS);
  const streamed = streamText({ ...asked, model: provider(), providerOptions: { plumbline: noThinking } });
  const pieces: string[] = [];
  for await (const piece of streamed.textStream) pieces.push(piece);
  t.deepEqual(pieces, ANSWER);
  t.is((await streamed.usage).outputTokens, 5);
});

test.serial('ai: an aborted stream frees its blocks', async (t) => {
  const controller = new AbortController();
  const { textStream } = streamText({
    ...{ ...asked, model: provider(), abortSignal: controller.signal },
    providerOptions: { plumbline: { ...noThinking, ignore_eos: true } },
  });
  const leave = async () => {
    for await (const _ of textStream) controller.abort();
  };
  t.true(await isFreed(leave));
});

test.serial('tools are read with all their digits, as Python writes them', async (t) => {
  const post = async (path: string, body: string): Promise<{ tokens: number[]; prompt: string }> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(new URL(path, server.url), { method: 'POST', headers, body });
    return (await response.json()) as { tokens: number[]; prompt: string };
  };
  const parameters = '{"10": 9007199254740993, "2": [1.0, 1e3, -0, true]}';
  const call = `{"type": "function", "function": {"name": "f", "parameters": ${parameters}}}`;
  const { tokens } = await post(
    '/tokenize',
    `{"messages": [{"role": "user", "content": "x"}], "tools": [${call}]}`,
  );
  const { prompt } = await post('/detokenize', JSON.stringify({ tokens }));
  t.true(prompt.includes('{"10": 9007199254740993, "2": [1.0, 1000.0, 0, true]}'), prompt);
});

const curlArguments = (route: string, body: object) => [
  ...['-sSN', '-H', 'content-type: application/json', '-d', JSON.stringify({ model, ...body })],
  `${server.url}${route}`,
];
const curl = async (route: string, body: object) =>
  (await promisify(execFile)('curl', curlArguments(route, body))).stdout;

test.serial('curl: completions, chat and tools', async (t) => {
  if (!hasProgram(t, 'curl')) return;
  const [completion, chat] = await Promise.all([
    curl('/completions', { prompt: 'Hello', max_tokens: 3, temperature: 0 }),
    curl('/chat/completions', { messages, tools }),
  ]);
  t.is(JSON.parse(completion).choices[0].text, 'It is 21 °C');
  t.is(JSON.parse(chat).choices[0].message.tool_calls[0].function.arguments, ARGUMENTS);
});

test.serial('curl: a stream ends with [DONE], and one that is left frees its blocks', async (t) => {
  if (!hasProgram(t, 'curl')) return;
  const body = { messages, ...noThinking, stream: true };
  const events = (await curl('/chat/completions', body)).trim().split('\n\n');
  t.is(events.pop(), 'data: [DONE]');
  const chunks = events.map((event) => JSON.parse(event.replace(/^data: /, '')));
  t.is(chunks.map(({ choices }) => choices[0].delta.content ?? '').join(''), ANSWER.join(''));
  const leave = async () => {
    const process = execFile('curl', curlArguments('/chat/completions', { ...body, ignore_eos: true }));
    await once(process.stdout!, 'data');
    process.kill();
    await once(process, 'close');
  };
  t.true(await isFreed(leave));
});

test.serial('docs/serve.md: every example runs as it stands', async (t) => {
  const text = await readFile(new URL('../../docs/serve.md', import.meta.url), 'utf8');
  const examples = [
    ...text.replaceAll('http://127.0.0.1:8000/v1', server.url).matchAll(/^```(ts|sh)\n(.*?)^```/gms),
  ];
  const codeIn = (language: string) =>
    examples.filter(([, name]) => name === language).map(([, , code]) => code);
  const modules = codeIn('ts').map((code) => {
    const resolved = code.replace(/(?<=from ')[^']+/g, (name) => import.meta.resolve(name));
    return `data:text/javascript,${encodeURIComponent(resolved)}`;
  });
  const importAll = 'for (const url of process.argv.slice(1)) await import(url)';
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', importAll, ...modules]);
  t.true(modules.length > 0 && stdout.includes('9007199254740993'), stdout);
  if (!hasProgram(t, 'curl')) return;
  for (const code of codeIn('sh')) t.regex((await run('sh', ['-c', code])).stdout, / in Paris\./);
});
