import { once } from 'node:events';
import { type ClientRequest, IncomingMessage, request, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/engine.ts';
import { HANDLERS } from '../../engine/server/handlers.ts';
import { Server } from '../../engine/server/server.ts';
import { type ServedModel, startThreads } from '../../engine/server/start-threads.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { generateOne } from '../../verify/generate.ts';
import { trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const SEED = 20261129;
const ROUNDS = 12;
/** Until every path of the program has been taken, and what is made once is made. */
const WARM_UP_ROUNDS = 26;
const SCHEDULE = {
  threads: 1,
  cacheTokens: 512,
  maxBatch: 4,
  maxBatchTokens: 40,
  prefillChunk: 16,
  blockSize: 4,
};

/** What each client asks for; many prompts begin alike. */
const REQUESTS = Array.from({ length: 16 }, (_, i) => ({
  ids: [...Array.from({ length: 5 * (i % 4) }, (_, j) => (j * 37) % 256), i],
  maxNewTokens: 1 + (i % 5) * 3,
  ...(i % 3 === 0 ? { temperature: 1, seed: i } : {}),
  ignoreEos: true,
}));

/**
 * What each client does: it takes the answer, as it comes or with pauses; or it leaves: with half a request
 * sent, before the answer, at its first bytes, or without ever having read any.
 */
const WAYS = ['take', 'take', 'pause', 'half', 'leave', 'leave at once', 'never read'] as const;
interface Client {
  readonly asked: number;
  readonly way: (typeof WAYS)[number];
  readonly stream: boolean;
}
const clients: fc.Arbitrary<Client[]> = fc.array(
  fc.record({ asked: fc.nat(REQUESTS.length - 1), way: fc.constantFrom(...WAYS), stream: fc.boolean() }),
  { minLength: 1, maxLength: 10 },
);

let model: ServedModel;
let server: Server;
let fingerprints: string[];

test.before('the model is served, and each request computed alone', async () => {
  const modelDir = await ensureFixture('dense');
  model = await startThreads({ modelDir, options: SCHEDULE });
  server = await Server.start(model, {
    ...{ host: '127.0.0.1', port: 0, servedModelName: 'dense', maxQueue: 1000, maxLogprobs: 20 },
    ...{ rules: {}, handlers: HANDLERS, logFormat: 'text', log() {} },
  });
  const engine = await Engine.load(modelDir, { threads: 1, prefixCaching: false });
  fingerprints = [];
  for (const one of REQUESTS) fingerprints.push((await generateOne(engine, one)).result.fingerprint);
  await engine.close();
});
test.after.always('the server ends', () => server?.close(0));

/** The body of a request; a client that leaves asks for more than it waits for. */
function bodyOf(asked: number, stream: boolean, isLeaving: boolean): string {
  const { ids, maxNewTokens, ignoreEos: _, ...sampling } = REQUESTS[asked];
  const max_tokens = isLeaving ? 400 : maxNewTokens;
  const n = isLeaving ? 200 : 1;
  return JSON.stringify({
    prompt: ids,
    max_tokens,
    n,
    ignore_eos: true,
    temperature: 0,
    stream,
    ...sampling,
  });
}

function post(body: string): ClientRequest {
  const headers = { 'content-type': 'application/json' };
  const sent = request(`${server.url}/v1/completions`, { method: 'POST', agent: false, headers });
  sent.end(body);
  return sent;
}

/** @returns the fingerprint of the answer. */
async function take(body: string, pauses: boolean): Promise<string | undefined> {
  const [response] = (await once(post(body), 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response.setEncoding('utf8')) {
    text += part;
    if (pauses) await sleep(1);
  }
  return /"fingerprint":"(\w+)"/.exec(text)?.[1];
}

async function leave(body: string, way: (typeof WAYS)[number]): Promise<void> {
  const sent = connect(Number(new URL(server.url).port), '127.0.0.1');
  sent.on('error', () => {});
  await once(sent, 'connect');
  const head = `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  sent.write(head + (way === 'half' ? body.slice(0, 9) : body));
  if (way === 'leave') await once(sent, 'data');
  if (way === 'never read') await sleep(5);
  sent.destroy();
  await once(sent, 'close');
}

/** What is open in this process, which has the server and its clients, and in the engine. */
function open() {
  const { running, waiting, blocks } = model.engine.stats;
  const resources = process.getActiveResourcesInfo();
  return {
    sequences: running + waiting,
    blocks: blocks.total - blocks.free,
    timers: resources.filter((name) => name === 'Timeout').length,
    sockets: resources.filter((name) => name === 'TCPSocketWrap').length,
  };
}

/** Objects that are reachable: V8 collects garbage before it counts, so that `--expose-gc` is not needed. */
const reachable = () =>
  Object.fromEntries(
    [IncomingMessage, ServerResponse, Socket, AbortController].map((each) => [
      each.name,
      queryObjects(each, { format: 'count' }),
    ]),
  );

async function becomes(t: ExecutionContext, idle: ReturnType<typeof open>): Promise<void> {
  for (let turn = 0; turn < 400 && JSON.stringify(open()) !== JSON.stringify(idle); turn++) await sleep(5);
  t.deepEqual(open(), idle, 'what is open when no client is left');
}

test('arbitrary mixes of clients leave nothing behind, and those that stay get the bits of generate', async (t) => {
  await take(bodyOf(0, true, false), false);
  await sleep(20);
  const idle = open();
  t.like(idle, { sequences: 0, blocks: 0, sockets: 0 });
  const left = new Set<string>();
  const round = async (mix: Client[]) => {
    await Promise.all(
      mix.map(async ({ asked, way, stream }) => {
        left.add(way);
        if (way !== 'take' && way !== 'pause')
          return await leave(bodyOf(asked, stream || way === 'leave', true), way);
        const found = await take(bodyOf(asked, stream, false), way === 'pause');
        if (found !== fingerprints[asked])
          throw new Error(`request ${asked}: ${found}, alone ${fingerprints[asked]}`);
      }),
    );
    await becomes(t, idle);
  };
  const property = fc.asyncProperty(clients, round);
  await fc.assert(property, { seed: SEED, numRuns: WARM_UP_ROUNDS, endOnFailure: true });
  const [before, all] = [reachable(), queryObjects(Object, { format: 'count' })];
  let numClients = 0;
  const counted = fc.asyncProperty(clients, async (mix) => {
    numClients += mix.length;
    await round(mix);
  });
  await fc.assert(counted, { seed: SEED + 1, numRuns: ROUNDS, endOnFailure: true });
  t.is(left.size, new Set(WAYS).size, 'every way happened');
  t.deepEqual(reachable(), before, 'what is reachable does not grow');
  const grown = queryObjects(Object, { format: 'count' }) - all;
  t.true(grown < numClients / 2, `${grown} objects more after ${numClients} clients`);
});
