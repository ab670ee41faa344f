import { mock } from 'node:test';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { OptionError } from '../../../../../engine/errors.ts';
import { ensureFixture } from '../../../../../generator/fixtures/fixtures.ts';
import { httpSubject } from '../../../../../verify/adapters/http/http-subject.ts';
import { NoAnswerError, SubjectError } from '../../../../../verify/errors.ts';
import { closing, trackResources } from '../../../../support/processes/cleanup.ts';
import { fakeServed, LETTERS, scoringFake } from '../../../../support/servers/fake-served.ts';
import { answers } from '../../../../support/servers/faults.ts';
import { llamaServerRoutes } from '../../../../support/servers/llama-server.ts';
import { LoopbackServer } from '../../../../support/servers/loopback-server.ts';
import { openaiRoutes } from '../../../../support/servers/openai.ts';
import { ServedModel } from '../../../../support/servers/served-model.ts';
import { vllmRoutes } from '../../../../support/servers/vllm.ts';

trackResources(test);

async function start(t: ExecutionContext, routes: Parameters<typeof LoopbackServer.start>[0]) {
  return closing(t, await LoopbackServer.start(routes));
}

test('a server is found out and described; its name has no password', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed(), { maxLogprobs: 5 }));
  const notes: string[] = [];
  const url = server.url.replace('http://', 'http://user:secret@');
  const subject = httpSubject({ url, onNote: (note) => notes.push(note), concurrency: 3 });
  t.is(subject.info.name, `the server at ${server.url}`);
  const model = closing(t, await subject.load('/no/such/directory'));
  t.deepEqual(subject.info, { name: 'vLLM', version: '0.11.2' });
  t.deepEqual(notes, [
    'the server is vLLM 0.11.2, model fake',
    'it takes ids and gives the 5 likeliest tokens, of all positions of a prompt at once',
  ]);
  t.deepEqual(model.capabilities, {
    scores: 'top',
    hidden: false,
    tokenize: true,
    chat: true,
    maxConcurrency: 3,
    stream: true,
  });
  t.deepEqual(await model.tokenize!('abc'), [1, 2, 3]);
  t.deepEqual((await model.tokenizeChat!({ messages: [], addGenerationPrompt: false })).length, 2);
});

test.serial(
  'without options four requests are on their way, each with two minutes, and a path is a part of the name',
  async (t) => {
    const server = await start(t, vllmRoutes(fakeServed()));
    const limits: number[] = [];
    const timeout = mock.method(AbortSignal, 'timeout', (ms: number) => {
      limits.push(ms);
      return new AbortController().signal;
    });
    t.teardown(() => timeout.mock.restore());
    const model = closing(t, await httpSubject({ url: server.url }).load(''));
    t.is(model.capabilities.maxConcurrency, 4);
    t.deepEqual([...new Set(limits)], [120_000]);
    t.is(httpSubject({ url: 'http://host:1/v1/x?y' }).info.name, 'the server at http://host:1/v1/x');
  },
);

test('a server that takes no text is asked neither for ids nor for conversations', async (t) => {
  const { 'POST /tokenize': _, ...routes } = vllmRoutes(fakeServed());
  const server = await start(t, routes);
  const model = closing(t, await httpSubject({ url: server.url }).load(''));
  t.like(model.capabilities, { tokenize: false, chat: false });
  t.deepEqual([model.tokenize, model.tokenizeChat, model.countTokens], [undefined, undefined, undefined]);
  const both = await start(t, vllmRoutes(fakeServed()));
  t.is(closing(t, await httpSubject({ url: both.url }).load('')).countTokens, undefined, 'it tells the ids');
});

test('time is that of the clock that is given', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed()));
  let busy = 2;
  server.faults = [(request, response) => busy-- > 0 && answers(503, {})(request, response)];
  const pauses: number[] = [];
  const clock = { now: () => 0, wait: async (ms: number) => pauses.push(ms) };
  closing(t, await httpSubject({ url: server.url, clock }).load(''));
  t.deepEqual(pauses, [500, 1000]);
});

test('a server that says who it is keeps its name, whichever API it is asked by', async (t) => {
  const routes = vllmRoutes(fakeServed());
  const owned = { data: [{ id: 'fake', owned_by: 'plumbline' }] };
  const server = await start(t, { ...routes, 'GET /v1/models': () => owned });
  const notes: string[] = [];
  const subject = httpSubject({ url: server.url, onNote: (note) => notes.push(note) });
  closing(t, await subject.load('/no/such/directory'));
  t.deepEqual(subject.info, { name: 'Plumbline', version: '0.11.2' });
  t.is(notes[0], 'the server is Plumbline 0.11.2, asked as vLLM, model fake');
});

test('a key is sent with each request', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed()));
  closing(t, await httpSubject({ url: server.url, apiKey: 'sk-1' }).load(''));
  t.deepEqual([...new Set(server.requests.map(({ authorization }) => authorization))], ['Bearer sk-1']);
});

test('a key that a server repeats is in no error, of loading, of answers and of their form', async (t) => {
  const key = 'sk-"secret"';
  const routes = vllmRoutes(fakeServed());
  const server = await start(t, routes);
  const subject = httpSubject({ url: server.url, apiKey: key });
  server.faults = Array(9).fill(answers(401, { no: key, not: key }));
  const refused = await t.throwsAsync(subject.load(''), { instanceOf: SubjectError });
  t.regex(refused.message, /the server answers 401: .*\*\*\*.*\*\*\*/);
  server.faults = [];
  const model = closing(t, await subject.load(''));
  for (const [what, body, place] of [
    [
      'an answer without a member',
      { [key]: key },
      /the answer is not as expected: .*; got \{"\*\*\*":"\*\*\*"\}$/,
    ],
    ['the key ends behind what is shown', { a: `${'x'.repeat(185)}${key}` }, /x{185}\*\*\*…$/],
    ['a member of another type', { tokens: key }, /got \{"tokens":"\*\*\*"\}$/],
  ] as const) {
    server.faults = [answers(200, body)];
    const error = await t.throwsAsync(model.tokenize!('abc'), { instanceOf: SubjectError });
    t.regex(error.message, place, what);
    t.false(inspect(error).includes('secret'), `${what}: ${inspect(error)}`);
  }
});

test('a server with processed log-probabilities is refused with the option to set', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed(), { logprobsMode: 'processed_logprobs' }));
  await t.throwsAsync(httpSubject({ url: server.url }).load(''), {
    instanceOf: SubjectError,
    message:
      /^log-probabilities change by .* with temperature 2; .*; start vLLM with --logprobs-mode raw_logprobs$/,
  });
  t.true(await server.isReleased());
});

test('a malformed URL, a server that does not listen, and one of another kind are named', async (t) => {
  for (const url of ['localhost:8000', 'ftp://host', '']) {
    t.throws(() => httpSubject({ url }), {
      instanceOf: SubjectError,
      message: /expected one that begins with http/,
    });
  }
  // A timer of more than 24.8 days fires at once, and one of a fraction of a millisecond throws.
  for (const timeoutMs of [2 ** 31, 0.5]) {
    t.throws(() => httpSubject({ url: 'http://127.0.0.1:1', timeoutMs }), { instanceOf: OptionError });
  }
  await t.throwsAsync(httpSubject({ url: 'http://127.0.0.1:1' }).load(''), {
    instanceOf: NoAnswerError,
    message: /^probe of the API \(GET \/props\): the connection failed: .*ECONNREFUSED.*; tried 4 times$/,
  });
  const server = await start(t, {});
  await t.throwsAsync(httpSubject({ url: server.url }).load(''), {
    instanceOf: SubjectError,
    message: /answers none of/,
  });
});

test('another model than the served one is an error of the server', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed()));
  await t.throwsAsync(httpSubject({ url: server.url, servedModel: 'other' }).load(''), {
    instanceOf: SubjectError,
    message: /answers 404: .*The model other does not exist/,
  });
});

test('reaching a server asks what loading asks, says nothing and holds no connection', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed()));
  await t.throwsAsync(httpSubject({ url: server.url, servedModel: 'other' }).reach!(''), {
    instanceOf: SubjectError,
    message: /answers 404: .*The model other does not exist/,
  });
  t.true(await server.isReleased());
  server.requests.length = 0;
  const notes: string[] = [];
  const subject = httpSubject({ url: server.url, onNote: (note) => notes.push(note) });
  await subject.reach!('');
  t.deepEqual(notes, []);
  t.true(await server.isReleased());
  const asked = server.requests.splice(0).map(({ line }) => line);
  const askedBy = async (call: () => Promise<unknown>) => {
    await call();
    return server.requests.splice(0).map(({ line }) => line);
  };
  t.deepEqual(await askedBy(() => subject.reach!('')), [], 'it is known until the model is loaded');
  t.deepEqual(await askedBy(async () => closing(t, await subject.load(''))), asked);
  t.deepEqual(await askedBy(() => subject.reach!('')), asked, 'it may have ended since');
  t.deepEqual(await askedBy(() => subject.reach!('/another/model')), asked);
});

test('a signal ends loading at whichever request', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed()));
  const url = server.url;
  closing(t, await httpSubject({ url }).load(''));
  const count = server.requests.length;
  t.true(count > 6);
  // The last asks whether texts are taken, and is over soon.
  for (let last = 1; last < count; last++) {
    const [reason, controller] = [new Error(`at request ${last}`), new AbortController()];
    server.requests.length = 0;
    server.faults = [
      () => {
        if (server.requests.length === last) controller.abort(reason);
        return server.requests.length >= last;
      },
    ];
    const loading = httpSubject({ url, signal: controller.signal, timeoutMs: 2000 }).load('');
    t.is(await t.throwsAsync(loading), reason);
  }
});

test('a signal ends loading at once', async (t) => {
  const server = await start(t, vllmRoutes(fakeServed()));
  server.faults = [answers(503, {})];
  const [reason, controller] = [new Error('Ctrl-C'), new AbortController()];
  const loading = httpSubject({ url: server.url, signal: controller.signal }).load('');
  setTimeout(() => controller.abort(reason), 50);
  t.is(await t.throwsAsync(loading), reason);
});

test('tokens of rows whose texts have no id are counted from the first question on, and noted at the end', async (t) => {
  // U+FFFD stands for several tokens; the other texts are tokens of `dense`.
  const text = { ...LETTERS, pieceOf: (id: number) => (id === 6 ? '\ufffd' : LETTERS.pieceOf(id)) };
  const served = new ServedModel(scoringFake(), { name: 'fake', eosTokenId: 7, text });
  const modelDir = await ensureFixture('dense');
  const server = await start(t, openaiRoutes(served));
  const notes: string[] = [];
  const load = () => httpSubject({ url: server.url, onNote: (note) => notes.push(note) }).load(modelDir);
  await (await load()).close();
  t.is(notes.splice(0).length, 2, 'nothing was asked after the probes');
  const model = await load();
  const question = { ids: [1, 2, 3], positions: [2] };
  await model.forward(question);
  await model.close();
  const [{ values }] = (await scoringFake().forward(question)).rows;
  // Of the five likeliest that the server gives, those from the unknown one on.
  const rank = [...values.keys()].sort((a, b) => values[b] - values[a]).indexOf(6);
  t.true(rank > 1 && rank < 5);
  const note = `${5 - rank} tokens of rows were left out, since their ids could not be told from their texts`;
  t.is(notes.at(-1), note);
});

test('a model that is closed holds no connection', async (t) => {
  const server = await start(t, llamaServerRoutes(fakeServed()));
  const model = await httpSubject({ url: server.url }).load('');
  t.is((await model.forward({ ids: [1, 2], positions: [0, 1] })).rows.length, 2);
  t.true((await server.connections()) > 0);
  await model.close();
  t.true(await server.isReleased());
});
