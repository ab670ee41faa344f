import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../../../verify/adapters/http/client.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import type { Clock } from '../../../../../verify/adapters/http/retries.ts';
import { NoAnswerError, SubjectError } from '../../../../../verify/errors.ts';
import { closing, trackResources } from '../../../../support/processes/cleanup.ts';
import { answers, busy, cut, html, sends, silent } from '../../../../support/servers/faults.ts';
import { type Fault, LoopbackServer } from '../../../../support/servers/loopback-server.ts';

trackResources(test);

const GET = { method: 'GET', path: '/a' } as const;

/** Time that passes only while it is waited for. */
function fakeClock(): Clock & { pauses: number[] } {
  const pauses: number[] = [];
  let now = 0;
  return {
    pauses,
    now: () => now,
    async wait(ms) {
      pauses.push(ms);
      now += ms;
    },
  };
}

async function start(t: ExecutionContext, faults: Fault[] = []) {
  const server = closing(t, await LoopbackServer.start({ 'GET /a': () => ({ a: 1 }) }));
  const left = [...faults];
  server.faults = [(request, response) => left.shift()?.(request, response) ?? false];
  const clock = fakeClock();
  const client = closing(t, new Client({ url: new URL(server.url), timeoutMs: 30_000, clock }));
  return { server, client, clock };
}

test('a busy server is waited for: as long as it asks, or longer each time', async (t) => {
  const { client, clock, server } = await start(t, [busy(429, '7'), busy(503), busy(503)]);
  t.deepEqual(await client.json(GET, 'forward'), { a: 1 });
  t.deepEqual(clock.pauses, [7000, 1000, 2000]);
  t.is(server.requests.length, 4);
});

test('a server that stays busy gives no answer after five minutes', async (t) => {
  const { client, clock } = await start(t, Array(100).fill(busy(503, '50')));
  await t.throwsAsync(client.json(GET, 'forward'), {
    instanceOf: NoAnswerError,
    message:
      'forward (GET /a): the server is busy: it has answered 503 7 times, at last: {"error":{"message":"busy"}}; ' +
      'expected an answer within 300 s',
  });
  t.deepEqual(clock.pauses, Array(6).fill(50_000));
});

test('a cut connection is tried again, four times in all', async (t) => {
  const some = await start(t, [cut, cut, cut]);
  t.deepEqual(await some.client.json(GET, 'forward'), { a: 1 });
  t.deepEqual(some.clock.pauses, [100, 400, 1600]);
  const all = await start(t, Array(9).fill(cut));
  await t.throwsAsync(all.client.json(GET, 'forward'), {
    instanceOf: NoAnswerError,
    message: /^forward \(GET \/a\): .*; tried 4 times$/,
  });
  t.is(all.server.requests.length, 4);
});

test('an HTTP error is not tried again; its status is kept', async (t) => {
  const redirected = '; redirects are not followed, name the final URL';
  const locked = '; name the variable that holds its key: --api-key-env';
  for (const [status, advice] of [
    ...[300, 302, 399].map((code) => [code, redirected] as const),
    ...[401, 403].map((code) => [code, locked] as const),
    ...[400, 404, 500, 502].map((code) => [code, ''] as const),
  ]) {
    const { client, server } = await start(t, [answers(status, { detail: 'no' })]);
    const error = await t.throwsAsync(client.json(GET, 'forward'), { instanceOf: HttpStatusError });
    t.is(error.status, status);
    t.is(error.message, `forward (GET /a): the server answers ${status}: {"detail":"no"}${advice}`);
    t.is(server.requests.length, 1);
  }
});

test('what is not JSON, and an error in a 200, are refused with what came', async (t) => {
  for (const [fault, message] of [
    [html, /^forward \(GET \/a\): the answer is not JSON: <!DOCTYPE html>.*nginx.*; expected a JSON object$/],
    [sends('{"choices": [{"te'), /the answer is not JSON: \{"choices": \[\{"te; expected/],
    [sends('{"logprob": NaN}'), /the answer is not JSON: \{"logprob": NaN\}; expected/],
    [sends(''), /the answer is not JSON: nothing; expected/],
    [
      sends('{"error": "no model"}'),
      /the server answers 200 with an error: \{"error": "no model"\}; expected a result/,
    ],
  ] as const) {
    const { client } = await start(t, [fault]);
    await t.throwsAsync(client.json(GET, 'forward'), { instanceOf: SubjectError, message });
  }
});

test('an answer may have an error of null, any status of success, and a megabyte', async (t) => {
  const long = 'x'.repeat(2 ** 20);
  for (const [fault, expected] of [
    [sends('{"error": null, "a": 2}'), { error: null, a: 2 }],
    [answers(299, { a: 3 }), { a: 3 }],
    [answers(200, { long }), { long }],
  ] as const) {
    const { client } = await start(t, [fault]);
    t.deepEqual(await client.json(GET, 'forward'), expected);
  }
});

test('an answer that is too large is refused', async (t) => {
  const { server } = await start(t, [sends('[1, 2, 3, 4]')]);
  const client = closing(t, new Client({ url: new URL(server.url), timeoutMs: 30_000, maxBytes: 8 }));
  await t.throwsAsync(client.json(GET, 'forward'), {
    instanceOf: SubjectError,
    message: /longer than 8 bytes/,
  });
});

test('a signal ends the wait for a busy server, and for an answer, with its own reason', async (t) => {
  for (const [fault, asks] of [
    [busy(503, '60'), 'waits'],
    [silent, 'asks'],
  ] as const) {
    const [reason, controller] = [new Error('Ctrl-C'), new AbortController()];
    const { server, clock } = await start(t, [fault]);
    const ending = {
      ...clock,
      async wait(_ms: number, signal?: AbortSignal) {
        controller.abort(reason);
        if (signal?.aborted) throw new Error('the wait was ended');
      },
    };
    const client = closing(t, new Client({ url: new URL(server.url), timeoutMs: 20_000, clock: ending }));
    const asking = client.json(GET, 'forward', controller.signal);
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    if (asks === 'asks') controller.abort(reason);
    t.is(await t.throwsAsync(asking), reason, asks);
    t.is(server.requests.length, 1);
  }
});
