import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { GroupError } from '../../../../engine/errors.ts';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { templateTraits } from '../../../../engine/server/chat/template-traits.ts';
import type { Handler } from '../../../../engine/server/context.ts';
import { Server, type ServerOptions } from '../../../../engine/server/server.ts';
import type { ServedModel } from '../../../../engine/server/start-threads.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { fakeEngine, fakeText } from './fakes.ts';

trackResources(test);

/** Admits and continues two tokens, the second of which can be held up. */
const two: Handler = async (_, { engine, admit }, signal) => {
  const end = admit(1);
  try {
    let count = 0;
    for await (const _ of engine.generate({ ids: [1, 2], maxNewTokens: 1 }, signal)) count++;
    return { count };
  } finally {
    end();
  }
};

const encode: Handler = async (_, { engine, text, vocabulary, admit, ...names }) => ({
  ids: await text.encode('hi'),
  token: vocabulary.textOf(7),
  ...names,
});

/** The bodies of the handlers above, and of errors. */
interface Answer {
  readonly count?: number;
  readonly error?: { readonly message: string };
}

async function start(t: ExecutionContext, given: Partial<ServerOptions> = {}, hasText = true) {
  const [engine, text, lines] = [fakeEngine(), fakeText(), [] as string[]];
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  engine.beforeToken = async (index) => {
    if (index === 0) return;
    reached.resolve();
    await held.promise;
  };
  const model: ServedModel = {
    engine,
    text: hasText ? text : undefined,
    templateTraits: templateTraits(),
    systemFingerprint: 'fp',
  };
  const server = await Server.start(model, {
    ...{ host: '127.0.0.1', port: 0, servedModelName: 'm', maxQueue: 0, maxLogprobs: 20 },
    ...{ rules: {}, handlers: { '/two': two, '/encode': encode }, logFormat: 'text' },
    log: (line) => lines.push(line),
    ...given,
  });
  t.teardown(() => server.close(0).catch(() => {}));
  const post = async (path: string) => {
    const response = await fetch(server.url + path, { method: 'POST' });
    return { status: response.status, body: (await response.json()) as Answer };
  };
  return { server, engine, text, lines, post, held, reached };
}

test('a server gives its handlers text, vocabulary and names, and logs its requests', async (t) => {
  const begun = Math.floor(Date.now() / 1000);
  const { post, lines } = await start(t);
  const { status, body } = await post('/encode');
  const { created, ...given } = body as Answer & { created: number };
  t.deepEqual(
    [status, given as object],
    [
      200,
      {
        ...{ ids: [104, 105], token: '', servedModelName: 'm', systemFingerprint: 'fp', maxLogprobs: 20 },
        templateTraits: templateTraits(),
      },
    ],
  );
  t.true(created >= begun && created <= Date.now() / 1000, `${created}`);
  t.regex(lines.join(), /^\S+ POST \/encode 200 \d+ ms\n$/);
  const without = await start(t, { logFormat: 'none' }, false);
  t.deepEqual(await without.post('/encode'), {
    status: 400,
    body: new ApiError(
      400,
      'cannot turn text into tokens: the model has no tokenizer files; send token ids',
    ).toBody(),
  });
  t.deepEqual(without.lines, []);
});

test('a queue that is full answers 429', async (t) => {
  const { server, post, held } = await start(t);
  const open = [post('/two'), post('/two')];
  let refused = await post('/two');
  while (refused.status !== 429) refused = await post('/two');
  // Of the two that are open the engine computes none yet.
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  t.true(metrics.includes('plumbline_num_requests_waiting 2\n'), metrics);
  held.resolve();
  t.deepEqual(await Promise.all(open), new Array(2).fill({ status: 200, body: { count: 2 } }));
});

test('closing lets requests finish, refuses new ones and ends the threads', async (t) => {
  const { server, engine, text, post, held, reached } = await start(t);
  let numCloses = 0;
  const close = engine.close;
  engine.close = () => {
    numCloses++;
    return close();
  };
  const open = post('/two');
  await reached.promise;
  const half = connect(Number(new URL(server.url).port), '127.0.0.1');
  half.on('error', () => {});
  const head = ['POST /two HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 9'];
  half.write([...head, 'Expect: 100-continue', '', ''].join('\r\n'));
  // The server answers it as soon as it has the head.
  await once(half, 'data');
  const closed = server.close(60_000);
  await t.throwsAsync(fetch(`${server.url}/health`), undefined, 'it listens no more');
  held.resolve();
  t.deepEqual(await open, { status: 200, body: { count: 2 } });
  t.deepEqual(numCloses, 0, 'the threads end after the requests');
  await Promise.all([closed, server.close(0)]);
  await server.ended;
  t.deepEqual([engine.isClosed, text.isClosed, numCloses], [true, true, 1]);
  await server.close(0);
});

test('requests that take longer than the grace get 503', async (t) => {
  const { server, post, reached } = await start(t);
  const open = post('/two');
  await reached.promise;
  await server.close(1);
  t.deepEqual(await open, {
    status: 503,
    body: new ApiError(503, 'cannot finish the request: the server is shutting down').toBody(),
  });
});

test('a broken engine is an error for every request, /health says so, and the server ends', async (t) => {
  const { server, engine, post, reached } = await start(t);
  const open = post('/two');
  await reached.promise;
  const ended = t.throwsAsync(server.ended, { message: 'Rank 1 died' });
  engine.fail(new GroupError('Rank 1 died', [1]));
  const { status, body } = await open;
  t.deepEqual([status, body.error?.message], [503, 'Rank 1 died']);
  const health = await fetch(`${server.url}/health`);
  t.is(health.status, 503);
  await health.text();
  await ended;
  t.true(engine.isClosed);
  await t.throwsAsync(server.close(0), { message: 'Rank 1 died' });
});

test('a port that is taken is an error that names it, and ends the threads', async (t) => {
  const { server } = await start(t);
  const port = Number(new URL(server.url).port);
  const engine = fakeEngine();
  const model = { engine, text: undefined, templateTraits: templateTraits(), systemFingerprint: 'fp' };
  const options = { host: '127.0.0.1', port, rules: {}, handlers: {}, logFormat: 'none' } as ServerOptions;
  await t.throwsAsync(Server.start(model, options), {
    name: 'ServerError',
    message: `cannot listen on 127.0.0.1, port ${port} (EADDRINUSE); give another --host or --port`,
  });
  t.true(engine.isClosed);
});
