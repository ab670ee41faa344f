import { EventEmitter } from 'node:events';
import test from 'ava';
import fc from 'fast-check';
import { createProcessIo, type RunningServer } from '../../engine/cli/io.ts';
import { run } from '../../engine/cli/program.ts';
import type { CompletionChoice } from '../../engine/server/completions/choice.ts';
import type { Completion } from '../../engine/server/completions/handler.ts';
import type { TokenLogprobs } from '../../engine/serving/logprobs.ts';
import type { GenerateResult } from '../../engine/serving/requests.ts';
import { SignalReceiver } from '../../engine/terminal/interrupt.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { FakeOutput, linesFile } from '../unit/engine/cli/support.ts';

trackResources(test);

const SEED = 20261129;
const NUM_REQUESTS = 25;
const MAX_TOKENS = 12;
/** The fixture's end-of-sequence token. */
const EOS = 383;
const SCHEDULE = { cacheTokens: 1024, maxBatch: 5, maxBatchTokens: 48, prefillChunk: 17, blockSize: 4 };

/** The API's names of the fields that differ from those of a line of `--requests`. */
const FIELDS: Readonly<Record<string, string>> = {
  maxTokens: 'max_tokens',
  topK: 'top_k',
  topP: 'top_p',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  logitBias: 'logit_bias',
  minNewTokens: 'min_tokens',
  stopTokenIds: 'stop_token_ids',
  ignoreEos: 'ignore_eos',
  promptLogprobs: 'prompt_logprobs',
  ids: 'prompt',
};

const id = fc.nat(255);
const stem = Array.from({ length: 60 }, (_, i) => (i * 37) % 256);
/** Lines of `--requests`; many prompts begin alike. */
const line = fc.record(
  {
    ids: fc
      .tuple(fc.nat(stem.length), fc.array(id, { minLength: 1, maxLength: 20 }))
      .map(([length, tail]) => [...stem.slice(0, length), ...tail]),
    maxTokens: fc.nat(MAX_TOKENS),
    temperature: fc.constantFrom(0.4, 1, 1.5),
    seed: fc.nat(99),
    n: fc.constantFrom(1, 1, 2, 3),
    topK: fc.constantFrom(0, 5),
    topP: fc.constantFrom(1, 0.9),
    minP: fc.constantFrom(0, 0.05),
    repetitionPenalty: fc.constantFrom(1, 1.2),
    presencePenalty: fc.constantFrom(0, 0.5),
    frequencyPenalty: fc.constantFrom(0, -0.5),
    logitBias: fc.constantFrom<Record<number, number>>({ [EOS]: 6 }, { 200: -100 }),
    stop: fc.constantFrom(['<3'], ['e', '5>']),
    stopTokenIds: fc.array(id, { maxLength: 20 }),
    ignoreEos: fc.boolean(),
    logprobs: fc.nat(3),
    promptLogprobs: fc.nat(2),
  },
  { requiredKeys: ['ids', 'maxTokens', 'seed', 'temperature'] },
);
/** How a request is sent; none of it changes what is generated. */
const way = fc.record({ stream: fc.boolean(), cache_salt: fc.constantFrom(null, null, 'a', 'b') });

const io = () => ({
  ...createProcessIo(new SignalReceiver(Object.assign(new EventEmitter(), { exit() {} }))),
  ...{ stdout: new FakeOutput(), stderr: new FakeOutput() },
});

let modelDir: string;
let server: RunningServer;

test.before('the model is served', async () => {
  modelDir = await ensureFixture('dense');
  server = await io().startServer(
    { modelDir, options: { ...SCHEDULE, threads: 1 } },
    {
      ...{ host: '127.0.0.1', port: 0, servedModelName: 'dense', maxQueue: 1000, maxLogprobs: 20 },
      ...{ rules: {}, logFormat: 'text', log() {} },
    },
  );
});
test.after.always('the server ends', () => server?.close(0));

function post(body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

/** What a choice and a result of the engine have in common. */
interface Sample {
  tokens: readonly number[];
  text: string | undefined;
  finishReason: string | null;
  fingerprint: string | undefined;
  /** For each token, log-probabilities by id. */
  logprobs: (Record<string, number> | null)[];
  promptLogprobs: (Record<string, number> | null)[];
}

function sampleOf(parts: readonly CompletionChoice[]): Sample {
  const last = parts.at(-1)!;
  return {
    tokens: parts.flatMap(({ token_ids }) => token_ids ?? []),
    text: parts.map(({ text }) => text).join(''),
    finishReason: last.finish_reason,
    fingerprint: last.fingerprint,
    logprobs: parts.flatMap(({ logprobs }) => logprobs?.top_logprobs ?? []),
    promptLogprobs: (last.prompt_logprobs ?? []).map(
      (row) => row && byId(Object.entries(row).map(([token, { logprob }]) => ({ token, logprob }))),
    ),
  };
}

function sampleOfResult(result: GenerateResult): Sample {
  const { tokens, text, finishReason, fingerprint, logprobs = [], promptLogprobs } = result;
  const rows = (each: readonly TokenLogprobs[]) => each.map(({ top, ...own }) => byId([...top, own]));
  return {
    ...{ tokens, text, finishReason, fingerprint, logprobs: rows(logprobs) },
    promptLogprobs: promptLogprobs ? [null, ...rows(promptLogprobs)] : [],
  };
}

function byId(row: readonly { token: number | string; logprob: number }[]): Record<string, number> {
  return Object.fromEntries(row.map(({ token, logprob }) => [`token_id:${token}`, logprob]));
}

/** The samples of a request, and how many of its tokens were cached. */
async function complete(body: { stream: boolean }): Promise<{ samples: Sample[]; cached: number }> {
  const response = await post(body);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  const chunks: Completion[] = body.stream ? readEvents(text) : [JSON.parse(text)];
  const parts = Map.groupBy(
    chunks.flatMap(({ choices }) => choices),
    ({ index }) => index,
  );
  const { usage } = chunks.at(-1)!;
  return {
    samples: Array.from(parts.keys())
      .sort((a, b) => a - b)
      .map((index) => sampleOf(parts.get(index)!)),
    cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

function readEvents(text: string): Completion[] {
  const events = text.split('\n\n').filter((event) => event !== '');
  if (events.pop() !== 'data: [DONE]') throw new Error(`the stream ends with ${events.at(-1)}`);
  return events.map((event) => JSON.parse(event.slice('data: '.length)));
}

test('requests among each other have the bits of generate', async (t) => {
  const drawn = fc.sample(fc.tuple(line, way), { seed: SEED, numRuns: NUM_REQUESTS });
  const generating = io();
  const lines = linesFile(t, ...drawn.map(([request]) => request));
  const args = ['generate', '--model', modelDir, '--requests', lines, '--json', '--no-prefix-cache'];
  t.is(await run(args, generating), 0, generating.stderr.text);
  const results: GenerateResult[] = generating.stdout.text
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each));

  const bodies = drawn.map(([request, { stream, cache_salt }]) => ({
    ...Object.fromEntries(Object.entries(request).map(([name, value]) => [FIELDS[name] ?? name, value])),
    ...{ cache_salt, stream: stream && request.promptLogprobs === undefined },
    ...{ return_token_ids: true, return_tokens_as_token_ids: true, skip_special_tokens: false },
  }));
  // Clients that leave, at any time, between those that stay.
  const leaving = bodies.slice(0, 6).map((body, i) =>
    post({ ...body, max_tokens: 500, stream: true, prompt_logprobs: null }, AbortSignal.timeout(20 * i))
      .then((response) => response.text())
      .catch(({ name }: Error) => name),
  );
  const answers = await Promise.all(bodies.map(complete));
  const samples = answers.flatMap((answer) => answer.samples);
  t.is(samples.length, results.length);
  for (const [i, sample] of samples.entries()) t.deepEqual(sample, sampleOfResult(results[i]), `sample ${i}`);
  const left = (await Promise.all(leaving)).filter((ended) => ended === 'TimeoutError').length;
  const cached = answers.reduce((sum, answer) => sum + answer.cached, 0);
  const stopped = samples.filter(({ finishReason }) => finishReason === 'stop').length;
  t.log({ samples: samples.length, stopped, cached, left });
  t.true(cached > 0 && stopped > 5 && left > 0, 'what could change the bits happened');
});
