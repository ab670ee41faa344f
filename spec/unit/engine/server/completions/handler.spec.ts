import test from 'ava';
import fc from 'fast-check';
import { ApiError, toApiError } from '../../../../../engine/server/api-error.ts';
import type { CompletionChoice } from '../../../../../engine/server/completions/choice.ts';
import { type Completion, completions } from '../../../../../engine/server/completions/handler.ts';
import type { ServedEvent, ThreadRequest } from '../../../../../engine/server/thread-messages.ts';
import type { GenerateResult } from '../../../../../engine/serving/requests.ts';
import { fakeContext, fakeGenerate, MAX_TOKENS } from '../fake-engine.ts';
import { ask, askStream, assertOffsets, body, joined, NEVER, type ServedBody } from './asking.ts';

const SEED = 20261129;
/** What the engine gives for each prompt and sample. */
async function expectedOf(answered: Completion, asked: ServedBody): Promise<GenerateResult[]> {
  const { max_tokens = 16, temperature = 1, seed, n = 1, stop = [], stop_token_ids = [], top_k = 0 } = asked;
  const choices = answered.choices.filter(({ index }) => index % n === 0);
  const results: GenerateResult[][] = [];
  for (const { prompt_token_ids = [] } of choices) {
    const request: ThreadRequest = {
      ...{ ids: prompt_token_ids, maxNewTokens: max_tokens, temperature, seed, n },
      ...{ stop: [stop].flat(), stopTokenIds: stop_token_ids, ignoreEos: asked.ignore_eos ?? false },
      repetitionPenalty: asked.repetition_penalty ?? 1,
      presencePenalty: asked.presence_penalty ?? 0,
      frequencyPenalty: asked.frequency_penalty ?? 0,
      logitBias: asked.logit_bias ?? {},
      topK: top_k === -1 ? 0 : top_k,
      topP: asked.top_p ?? 1,
      minP: asked.min_p ?? 0,
      skipSpecialTokens: asked.skip_special_tokens ?? true,
    };
    const samples: GenerateResult[] = [];
    for await (const event of fakeGenerate(request)) {
      if (event.type === 'result') samples[event.sample] = event.result;
    }
    results.push(samples);
  }
  return results.flat();
}

test('an answer is what the engine gives, and its stream makes the same', async (t) => {
  const seen = { stops: 0, samples: 0, echoes: 0, halves: 0 };
  await fc.assert(
    fc.asyncProperty(body, async (asked) => {
      const context = fakeContext();
      const whole = await ask(asked, context);
      const parts = await askStream({ ...asked, stream_options: { include_usage: true } }, context);
      const results = await expectedOf(whole, asked);
      const indices = whole.choices.map(({ index }) => index);
      if (indices.join() !== [...results.keys()].join()) throw new Error(`choices ${indices}`);
      for (const choice of whole.choices) {
        const { tokens, text, fingerprint, finishReason } = results[choice.index];
        const { echo = false, logprobs } = asked;
        const is = [choice.token_ids?.join(), choice.fingerprint, choice.finish_reason];
        const should = [tokens.join(), fingerprint, finishReason];
        if (is.join(' ') !== should.join(' ')) throw new Error(`choice ${is}, engine ${should}`);
        if (!choice.text.endsWith(text!) || (!echo && choice.text !== text)) throw new Error(choice.text);
        if (logprobs !== undefined) assertOffsets(choice, asked);
        const chosen = parts.flatMap(({ choices }) => choices.filter(({ index }) => index === choice.index));
        const [of, streamed] = [choice, joined(chosen)].map((each) => JSON.stringify(sorted(each)));
        if (of !== streamed) throw new Error(`streamed ${streamed}, whole ${of}`);
        seen.stops += choice.finish_reason === 'stop' ? 1 : 0;
        seen.echoes += echo ? 1 : 0;
        seen.halves += text!.includes('\ufffd') ? 1 : 0;
      }
      seen.samples += whole.choices.length > 1 ? 1 : 0;
      const { usage } = parts.at(-1)!;
      if (JSON.stringify(usage) !== JSON.stringify(whole.usage)) throw new Error(JSON.stringify(usage));
      if (context.admitted !== 0) throw new Error(`${context.admitted} sequences are still admitted`);
    }),
    { seed: SEED, numRuns: 80 },
  );
  for (const [what, times] of Object.entries(seen)) t.true(times > 10, `${what}: ${times}`);
});

/** Keys in one order; a row of no tokens is no row. */
function sorted({ logprobs, ...choice }: CompletionChoice): object {
  const entries = Object.entries({ ...choice, logprobs: logprobs?.tokens.length ? logprobs : null });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('an answer has the form of OpenAI', async (t) => {
  const { id: name, created, ...answer } = await ask({ prompt: [[0, 1], [2]], n: 2, seed: 1, max_tokens: 1 });
  t.regex(name, /^cmpl-[\da-f-]{36}$/);
  t.true(Math.abs(created - Date.now() / 1000) < 60);
  t.like(answer, { object: 'text_completion', model: 'fake', system_fingerprint: 'fp' });
  t.deepEqual(
    answer.choices.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  t.deepEqual(answer.usage, {
    ...{ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    prompt_tokens_details: { cached_tokens: 0 },
  });
});

test('max_tokens 0 gives the log-probabilities of the prompt alone', async (t) => {
  const { choices, usage } = await ask({ prompt: [0, 1, 2], max_tokens: 0, prompt_logprobs: 2 });
  t.like(choices[0], { text: '', finish_reason: 'length', logprobs: null });
  t.deepEqual(
    choices[0].prompt_logprobs?.map((row) => row && Object.keys(row).length >= 2),
    [null, true, true],
  );
  t.is(usage?.completion_tokens, 0);
  const [echo] = (await ask({ prompt: 'abc', max_tokens: 0, echo: true, logprobs: 0 })).choices;
  t.is(echo.text, 'abc');
  t.deepEqual(echo.logprobs?.tokens, ['a', 'b', 'c']);
});

test('the lists of an echo and of prompt_logprobs are as long beside each other as each alone', async (t) => {
  const asked = { prompt: [0, 1, 2], max_tokens: 2, seed: 1, return_tokens_as_token_ids: true };
  for (const logprobs of [0, 2, 5]) {
    for (const prompt_logprobs of [0, 2, 5]) {
      const [both] = (await ask({ ...asked, echo: true, logprobs, prompt_logprobs })).choices;
      const [echo] = (await ask({ ...asked, echo: true, logprobs })).choices;
      const [prompt] = (await ask({ ...asked, prompt_logprobs })).choices;
      const what = `logprobs ${logprobs}, prompt_logprobs ${prompt_logprobs}`;
      t.deepEqual(both.logprobs, echo.logprobs, what);
      t.deepEqual(both.prompt_logprobs, prompt.prompt_logprobs, what);
      // The token itself has a place of its own where it is not among the most probable.
      const lengths = echo.logprobs!.top_logprobs!.map((row) => Object.keys(row ?? {}).length);
      t.true(
        lengths.slice(1).every((length) => [logprobs, logprobs + 1].includes(length)),
        `${lengths}`,
      );
    }
  }
});

test('prompts without a seed have one each; seed and salt of a request are those of all its prompts', async (t) => {
  const seeds: (number | undefined)[] = [];
  const salts: (string | undefined)[] = [];
  const context = fakeContext((request: ThreadRequest, signal?: AbortSignal) => {
    seeds.push(request.seed);
    salts.push(request.cacheSalt);
    return fakeGenerate(request, signal);
  });
  await ask({ prompt: [[0], [0]] }, context);
  t.is(new Set(seeds).size, 2);
  await ask({ prompt: [[0], [0]], seed: 7, cache_salt: 'mine' }, context);
  t.deepEqual(seeds.slice(2), [7, 7]);
  t.deepEqual(salts, [undefined, undefined, 'mine', 'mine']);
});

test('of several prompts, the one that is too long is named', async (t) => {
  const long = Array(MAX_TOKENS).fill(0);
  const refused = await t.throwsAsync(ask({ prompt: [[0], long] }), { instanceOf: ApiError });
  t.like(refused, {
    ...{ status: 400, param: 'prompt[1]' },
    message: 'the prompt has 40 tokens; expected at most 39: shorten it by 1',
  });
  t.is((await t.throwsAsync(ask({ prompt: long }), { instanceOf: ApiError }))?.param, 'prompt');
});

test('what the engine and the queue are asked is what the request says, for each prompt', async (t) => {
  for (const askAny of [ask, askStream]) {
    const [requests, admitted, encoded]: [ThreadRequest[], number[], unknown[]] = [[], [], []];
    const context = fakeContext((request, signal) => {
      requests.push(request);
      return fakeGenerate(request, signal);
    });
    const { admit } = context;
    context.admit = (numSequences) => {
      admitted.push(numSequences);
      return admit.call(context, numSequences);
    };
    const { encode } = context.text;
    context.text.encode = (text, options) => {
      encoded.push([text, options]);
      return encode(text, options);
    };
    const body = { prompt: ['abc', 'b'], n: 2, seed: 3, min_tokens: 1, logprobs: 1, cache_salt: 's' };
    await askAny({ ...body, skip_special_tokens: false, add_special_tokens: false }, context);
    const request = {
      ...{ n: 2, temperature: 1, seed: 3, minNewTokens: 1, maxNewTokens: 16, logprobs: 1, cacheSalt: 's' },
      ...{ skipSpecialTokens: false, resultsOnly: askAny === ask },
    };
    t.deepEqual(requests, [
      { ...request, ids: [0, 1, 2] },
      { ...request, ids: [1] },
    ]);
    t.deepEqual([admitted, context.admitted], [[4], 0]);
    t.deepEqual(
      encoded,
      ['abc', 'b'].map((text) => [text, { addSpecialTokens: false }]),
    );
  }
});

test('a text without tokens is refused', async (t) => {
  const context = fakeContext();
  context.text.encode = async () => [];
  t.like(await t.throwsAsync(ask({ prompt: 'a' }, context), { instanceOf: ApiError }), {
    ...{ status: 400, param: 'prompt', message: 'the prompt has no tokens; expected at least one' },
  });
  t.is(context.admitted, 0);
});

test('usage comes with each chunk on demand', async (t) => {
  const stream_options = { continuous_usage_stats: true };
  const chunks = await askStream({ prompt: [0, 1], max_tokens: 2, ignore_eos: true, stream_options });
  t.deepEqual(
    chunks.map(({ usage }) => usage?.completion_tokens),
    [1, 2, 2],
  );
  t.is(chunks[0].usage?.total_tokens, 3);
  const last = await askStream({ prompt: [0, 1], max_tokens: 1, stream_options: { include_usage: true } });
  t.deepEqual(
    last.map(({ usage }) => usage?.total_tokens ?? usage),
    [null, null, 3],
  );
  t.deepEqual(
    (await askStream({ prompt: [0], max_tokens: 1 })).flatMap(({ usage }) => usage ?? []),
    [],
  );
});

test('a client that leaves, and an engine that fails, leave nothing behind', async (t) => {
  const running = { now: 0 };
  async function* counted(request: ThreadRequest, signal?: AbortSignal): AsyncGenerator<ServedEvent, void> {
    running.now++;
    try {
      yield* fakeGenerate(request, signal);
      if (request.ids[0] === 3) throw new RangeError('a kernel failed');
    } finally {
      running.now--;
    }
  }
  const context = fakeContext(counted);
  const asked = { prompt: [[0], [1]], max_tokens: 30, ignore_eos: true };
  const chunks = completions({ ...asked, stream: true }, context, NEVER) as AsyncGenerator<object, void>;
  await chunks.next();
  t.is(context.admitted, 2);
  await chunks.return();
  t.deepEqual([running.now, context.admitted], [0, 0]);
  for (const askAny of [ask, askStream]) {
    const client = new AbortController();
    const left = askAny(asked, context, client.signal);
    client.abort(new Error('the client left'));
    t.is((await t.throwsAsync<Error>(left))?.message, 'the client left');
    await t.throwsAsync(askAny({ ...asked, prompt: [[0], [3]] }, context), { message: 'a kernel failed' });
    t.deepEqual([running.now, context.admitted], [0, 0]);
  }
});

test('any body is answered or refused with a status and a message', async (t) => {
  const names = [
    'prompt',
    'max_tokens',
    'temperature',
    'top_k',
    'stop',
    'n',
    'logprobs',
    'echo',
    'logit_bias',
  ];
  const more = [
    'model',
    'stream_options',
    'cache_salt',
    'seed',
    'best_of',
    'stop_token_ids',
    '__proto__',
    'min_tokens',
  ];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(1e308, -0, 2 ** 53, '\ud83d', '', [[]], [1, 'a'], { 99: 1 }, true, 3),
  );
  const key = fc.constantFrom(...names, ...more);
  const wild = fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));
  // A body that would be served but for one field, and bodies of no form.
  const one = fc.tuple(body, key, value).map(([served, field, any]) => ({ ...served, [field]: any }));
  const elsewhere = body.map((served) => ({ ...served, model: 'other' }));
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.oneof(one, one, wild, fc.jsonValue(), elsewhere), async (asked) => {
      const context = fakeContext();
      let status = 200;
      try {
        const answer = completions(asked, context, NEVER);
        if (answer instanceof Promise) JSON.stringify(await answer);
        else for await (const chunk of answer) JSON.stringify(chunk);
      } catch (error) {
        const refusal = toApiError(error);
        ({ status } = refusal);
        const named = refusal.param !== undefined || refusal.message.includes('the body');
        if (status === 500 || !named) throw error;
      }
      if (context.admitted !== 0) throw new Error(`${context.admitted} sequences are still admitted`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }),
    { seed: SEED, numRuns: 300 },
  );
  for (const status of [200, 400, 404])
    t.true((statuses.get(status) ?? 0) > 5, `${status}: ${statuses.get(status)}`);
});
