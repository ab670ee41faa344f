import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Engine } from '../../engine/engine.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { generateOne } from '../../verify/generate.ts';
import { type ServeProcess, startServe } from '../support/servers/plumbline-serve.ts';

const CLIENTS = 64;
const REQUESTS = 1000;
const IDLE_CONNECTIONS = 1000;
const STALLED_TOKENS = 200;
/** More than are generated until the server sees that a client has left. */
const CUT_TOKENS = 1000;

/** Distinct requests; many begin alike, and their lengths differ. */
const PROMPTS = Array.from({ length: 24 }, (_, i) => ({
  ids: [...Array.from({ length: i % 7 }, (_, j) => 11 * j + 3), 100 + i],
  maxNewTokens: i % 8 === 0 ? 3 : 1,
  ...(i % 12 === 0 ? { temperature: 1, seed: i } : {}),
}));

let server: ServeProcess;
let fingerprints: string[];

test.before('the model is served, and each request computed alone', async () => {
  const model = await ensureFixture('dense-bf16');
  server = await startServe(model, '--max-batch', '32', '--threads', '1');
  const engine = await Engine.load(model, { threads: 1 });
  fingerprints = [];
  for (const one of PROMPTS) fingerprints.push((await generateOne(engine, one)).result.fingerprint);
  await engine.close();
});

test.after.always('the server ends in order', async (t) => {
  t.is((await server?.end())?.exitCode, 0);
});

interface Answer {
  readonly choices: readonly { readonly fingerprint: string }[];
}

const bodyOf = ({ ids, maxNewTokens, ...sampling }: (typeof PROMPTS)[number]) => ({
  ...{ prompt: ids, max_tokens: maxNewTokens, ignore_eos: true, temperature: 0 },
  ...sampling,
});

async function complete(agent: Agent, body: object): Promise<{ status: number; answer: Answer }> {
  const headers = { 'content-type': 'application/json' };
  const sent = request(`${server.url}/completions`, { method: 'POST', agent, headers });
  sent.end(JSON.stringify(body));
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return { status: response.statusCode, answer: JSON.parse(text) };
}

const GAUGES = ['num_requests_running', 'num_requests_waiting', 'kv_cache_usage_perc'] as const;

/** Sequences that are computed and that wait, and the share of blocks in use, as /metrics has them. */
async function inUse(): Promise<number[]> {
  const text = await (await fetch(new URL('/metrics', server.url))).text();
  return GAUGES.map((name) => Number(new RegExp(`^plumbline_${name} (.*)$`, 'm').exec(text)?.[1]));
}

/** Waits until nothing is in use. */
async function becomesIdle(t: ExecutionContext): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if ((await inUse()).every((count) => count === 0)) return;
    await sleep(25);
  }
  t.deepEqual(await inUse(), [0, 0, 0]);
}

test.serial(
  `${CLIENTS} clients get ${REQUESTS} answers, each with the bits of its request alone`,
  async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const wrong: string[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        while (next < REQUESTS) {
          const i = next++ % PROMPTS.length;
          const { status, answer } = await complete(agent, bodyOf(PROMPTS[i]));
          const got = status === 200 ? answer.choices[0].fingerprint : `${status} ${JSON.stringify(answer)}`;
          if (got !== fingerprints[i]) wrong.push(`request ${i}: ${got}; alone ${fingerprints[i]}`);
        }
      }),
    );
    agent.destroy();
    t.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${REQUESTS} answers are wrong`);
    await becomesIdle(t);
  },
);

/** An open connection to the server. Its errors are of no interest: the test cuts it. */
async function open(): Promise<Socket> {
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Rows that the engine has computed since the server was started, also after a client has left. */
async function numComputed(): Promise<number> {
  const text = await (await fetch(new URL('/metrics', server.url))).text();
  return Number(/^plumbline_engine_tokens_total (.*)$/m.exec(text)?.[1]);
}

/** Sends a request whose long answer is streamed, on a connection of its own. */
async function openStream(maxTokens: number): Promise<Socket> {
  const socket = await open();
  const body = JSON.stringify({
    prompt: [1, 2, 3],
    max_tokens: maxTokens,
    ignore_eos: true,
    temperature: 0,
    stream: true,
  });
  const head = `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(head + body);
  return socket;
}

test.serial(
  'idle connections, a stalled reader, cut streams and garbage hold up no other client',
  async (t) => {
    const agent = new Agent({ keepAlive: true });
    const idle = await Promise.all(Array.from({ length: IDLE_CONNECTIONS }, open));
    const before = await numComputed();
    const stalled = await openStream(STALLED_TOKENS);
    stalled.pause();
    const cut = await Promise.all(Array.from({ length: 3 }, () => openStream(CUT_TOKENS)));
    for (const socket of cut) {
      const closed = once(socket, 'close').then(() => 'closed');
      t.is(await Promise.race([once(socket, 'data').then(() => 'data'), closed]), 'data', 'a stream begins');
      socket.destroy();
    }
    const garbage = await Promise.all(Array.from({ length: 4 }, open));
    garbage[0].write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03');
    garbage[1].write('GET / HTTP/9.9\r\n\r\n');
    garbage[2].write(`POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`);
    garbage[3].write('\0'.repeat(100_000));
    t.is((await fetch(new URL('/health', server.url))).status, 200);
    for (const [i, one] of PROMPTS.entries()) {
      const { status, answer } = await complete(agent, bodyOf(one));
      t.deepEqual([status, answer.choices[0].fingerprint], [200, fingerprints[i]], `request ${i}`);
    }
    for (const socket of [...idle, stalled, ...garbage]) socket.destroy();
    agent.destroy();
    await becomesIdle(t);
    const answered = PROMPTS.reduce((sum, one) => sum + one.ids.length + one.maxNewTokens, STALLED_TOKENS);
    const left = (await numComputed()) - before - answered;
    t.true(left < CUT_TOKENS, `${left} rows were computed for the three that had left`);
  },
);
