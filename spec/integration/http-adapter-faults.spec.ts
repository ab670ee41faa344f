import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { ApiName } from '../../verify/adapters/http/dialect.ts';
import { DIALECTS } from '../../verify/adapters/http/dialects.ts';
import { httpSubject } from '../../verify/adapters/http/http-subject.ts';
import { NoAnswerError, SubjectError } from '../../verify/errors.ts';
import type { SubjectModel } from '../../verify/subject.ts';
import { closing, trackResources } from '../support/processes/cleanup.ts';
import { fakeServed, scoringFake } from '../support/servers/fake-served.ts';
import { answers, busy, cut, first, html, sends, silent } from '../support/servers/faults.ts';
import { type Fault, LoopbackServer, type RecordedRequest } from '../support/servers/loopback-server.ts';
import { SERVERS } from '../support/servers/servers.ts';

trackResources(test);

/** Servers that take ids: no tokenizer is needed. */
const APIS = ['vllm', 'sglang', 'llama-server'] as const;
const IDS = [1, 2, 3, 4, 5];
const POSITIONS = [1, 2, 4];

async function load(t: ExecutionContext, api: ApiName, timeoutMs = 30_000) {
  const server = closing(t, await LoopbackServer.start(SERVERS[api](fakeServed())));
  const model = closing(t, await httpSubject({ url: server.url, timeoutMs }).load(''));
  return { server, model };
}

/** The likeliest token of each row. */
async function likeliest(model: SubjectModel): Promise<number[]> {
  const { rows } = await model.forward({ ids: IDS, positions: POSITIONS });
  return rows.map(({ ids, values }) => (ids ?? [...values.keys()])[values.indexOf(Math.max(...values))]);
}

for (const api of APIS) {
  test(`${api}: a server that is busy or cuts connections at first still gives its rows`, async (t) => {
    const { server, model } = await load(t, api);
    const expected = await likeliest(scoringFake());
    for (const fault of [busy(429, '0'), busy(503), cut]) {
      server.faults = [first(1, fault)];
      t.deepEqual(await likeliest(model), expected);
    }
  });

  test(`${api}: nonsense is refused with what was asked and what came`, async (t) => {
    const { server, model } = await load(t, api);
    const path = { vllm: '/v1/completions', sglang: '/generate', 'llama-server': '/completion' }[api];
    const cases: [Fault, RegExp][] = [
      [html, /the answer is not JSON: <!DOCTYPE html>/],
      [sends('{"choices": [{"logprobs": {"tok'), /the answer is not JSON: /],
      [sends('{"logprob": NaN}'), /the answer is not JSON: \{"logprob": NaN\}/],
      [answers(200, { error: { message: 'out of memory' } }), /answers 200 with an error: .*out of memory/],
      [
        answers(200, { object: 'error', message: 'no' }),
        /the answer is not as expected: .* got \{"object":"error"/,
      ],
      [answers(500, 'Internal Server Error'), /the server answers 500: "Internal Server Error"$/],
      [answers(200, []), /the answer is not as expected: the whole/],
    ];
    for (const [fault, message] of cases) {
      server.faults = [first(1000, fault)];
      for (const ask of [
        () => model.forward({ ids: IDS, positions: POSITIONS }),
        () => model.generate({ ids: IDS, maxNewTokens: 3 }),
      ]) {
        const error = await t.throwsAsync<Error>(ask, { instanceOf: SubjectError, message });
        t.regex(error.message, /^(forward|generate): .*\d/);
        if (!error.message.includes('not as expected'))
          t.true(error.message.includes(`(POST ${path})`), error.message);
      }
    }
  });

  test(`${api}: a server that does not answer in time, or always cuts, gives no answer`, async (t) => {
    const { server, model } = await load(t, api, 1000);
    server.faults = [first(1000, silent)];
    await t.throwsAsync(model.generate({ ids: IDS, maxNewTokens: 3 }), {
      instanceOf: NoAnswerError,
      message: /no answer after 1 s; expected/,
    });
    server.faults = [first(1000, cut)];
    await t.throwsAsync(likeliest(model), {
      instanceOf: NoAnswerError,
      message: /the connection failed: .*; tried 4 times$/,
    });
  });

  test(`${api}: a signal ends a request at once, with its own reason`, async (t) => {
    const { server, model } = await load(t, api);
    server.faults = [first(1000, silent)];
    const [reason, controller] = [new Error('Ctrl-C'), new AbortController()];
    setTimeout(() => controller.abort(reason), 50);
    const { signal } = controller;
    t.is(await t.throwsAsync(model.forward({ ids: IDS, positions: POSITIONS, signal })), reason);
    t.is(await t.throwsAsync(model.generate({ ids: IDS, maxNewTokens: 1, signal })), reason);
  });
}

/** Changes the JSON text of answers to questions for tokens. */
function alterText(server: LoopbackServer, change: (text: string) => string): void {
  server.alter = (answer, { line }) =>
    /completion|generate/.test(line) ? JSON.parse(change(JSON.stringify(answer))) : answer;
}

test('values that cannot be log-probabilities are refused by name', async (t) => {
  for (const api of APIS) {
    for (const [change, message] of [
      [(text: string) => text.replaceAll(/-\d+\.\d+(e-\d+)?/g, '0.25'), /found the log-probability 0.25 in /],
      [
        (text: string) => text.replaceAll(/-\d+\.\d+(e-\d+)?/g, '-0.01'),
        /probabilities sum to .*; expected a sum of 1 at most$/,
      ],
      [(text: string) => text.replaceAll(/-\d+\.\d+(e-\d+)?/g, 'null'), /expected number, received null/],
    ] as const) {
      const { server, model } = await load(t, api);
      alterText(server, change);
      await t.throwsAsync(likeliest(model), { instanceOf: SubjectError, message }, api);
    }
  }
});

test('a prompt row that vLLM kept from another prompt is refused', async (t) => {
  const { server, model } = await load(t, 'vllm');
  const others: unknown[] = [];
  type Answer = { choices: { prompt_logprobs?: unknown }[] };
  server.alter = (answer: unknown, { line }: RecordedRequest) => {
    const choice = line === 'POST /v1/completions' ? (answer as Answer).choices[0] : undefined;
    if (!choice?.prompt_logprobs) return answer;
    others.push(choice.prompt_logprobs);
    choice.prompt_logprobs = others[0];
    return answer;
  };
  await model.forward({ ids: [7, 7, 0, 6, 5], positions: POSITIONS });
  // All eight tokens of the fake model are among the likeliest: only as many rows as tokens give the other
  // prompt away.
  await t.throwsAsync(model.forward({ ids: IDS.slice(1), positions: [0, 1] }), {
    instanceOf: SubjectError,
    message:
      /^forward: 4 positions: found 5 rows for the prompt of 4 tokens; expected one row for each token$/,
  });
});

test('a redirected, locked or foreign server is named before any question', async (t) => {
  const locked = closing(t, await LoopbackServer.start({}));
  locked.faults = [answers(401, { error: 'no key' })];
  for (const api of ['auto', ...Object.keys(DIALECTS)] as (ApiName | 'auto')[]) {
    if (api === 'tgi' || api === 'ollama') continue;
    const error = await t.throwsAsync<Error>(httpSubject({ url: locked.url, api }).load(''), {
      instanceOf: SubjectError,
    });
    t.regex(error.message, /answers 401: .*--api-key-env$/, api);
  }
});

test('a process that has asked a server ends by itself, also without close', async (t) => {
  const server = closing(t, await LoopbackServer.start(SERVERS.vllm(fakeServed())));
  const adapter = new URL('../../verify/adapters/http/http-subject.ts', import.meta.url).href;
  const script = `
    import { httpSubject } from ${JSON.stringify(adapter)};
    const model = await httpSubject({ url: ${JSON.stringify(server.url)} }).load('');
    console.log((await model.forward({ ids: [1, 2], positions: [0, 1] })).rows.length);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 60_000,
  });
  t.is(stdout.trim(), '2');
});
