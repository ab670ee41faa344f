import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { hubFetch, timer } from '../../../../engine/hub/fetch.ts';
import type { HubSettings } from '../../../../engine/hub/settings.ts';
import { HubConnectionError } from '../../../../engine/hub/timeout.ts';

const SETTINGS: HubSettings = { cacheDir: '', endpoint: 'https://hub', token: undefined, offline: undefined };
const URL = 'https://hub/x';

/** A fetch with scripted answers, the last of which is repeated; records requests and pauses. */
function scripted(
  answers: (() => Response | Promise<Response>)[],
  settings: Partial<HubSettings> = {},
  signal?: AbortSignal,
) {
  const sent: Headers[] = [];
  const pauses: number[] = [];
  const endings: (AbortSignal | undefined)[] = [];
  const send = hubFetch(
    'org/name',
    { ...SETTINGS, ...settings },
    {
      fetch: async (_url, init) => {
        sent.push(new Headers(init?.headers));
        return answers[Math.min(sent.length, answers.length) - 1]();
      },
      delay: async (ms, ending) => {
        pauses.push(ms);
        endings.push(ending);
      },
      signal,
    },
  );
  return { send, sent, pauses, endings };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response('…', { status: code, headers });

test("the token is added to the request's own headers; without a token nothing is added", async (t) => {
  const { send, sent } = scripted([status(200)], { token: 'any-token' });
  await send(URL, { headers: { Accept: 'x' } });
  t.deepEqual(Object.fromEntries(sent[0]), { accept: 'x', authorization: 'Bearer any-token' });
  const anonymous = scripted([status(200)]);
  await anonymous.send(URL);
  t.deepEqual(Object.fromEntries(anonymous.sent[0]), {});
});

test('requests to a busy hub are repeated after pauses that double', async (t) => {
  const { send, pauses } = scripted([status(500), status(503), status(429), status(200)]);
  t.is((await send(URL)).status, 200);
  t.deepEqual(pauses, [1000, 2000, 4000]);
});

test('the fourth refusal is final and names the status', async (t) => {
  const { send, sent } = scripted([status(502)]);
  await t.throwsAsync(send(URL), {
    instanceOf: HubError,
    message: `${URL}: answered 502; the hub is busy or out of order (asked 4 times); try again later`,
  });
  t.is(sent.length, 4);
});

test('status 416 is returned, not thrown', async (t) => {
  const { send, sent } = scripted([status(416)]);
  t.is((await send(URL)).status, 416);
  t.is(sent.length, 1);
});

test('Retry-After is obeyed, in seconds or as a date', async (t) => {
  const inHalfAMinute = new Date(Date.now() + 30_000).toUTCString();
  const { send, pauses } = scripted([
    status(429, { 'Retry-After': '7' }),
    status(503, { 'Retry-After': inHalfAMinute }),
    status(503, { 'Retry-After': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
    status(200),
  ]);
  await send(URL);
  t.is(pauses[0], 7000);
  t.true(pauses[1] > 25_000 && pauses[1] <= 30_000, `${pauses[1]}`);
  t.is(pauses[2], 4000);
});

test('a request fails if the hub asks for a pause of more than a minute', async (t) => {
  const longest = scripted([status(429, { 'Retry-After': '60' }), status(200)]);
  await longest.send(URL);
  t.deepEqual(longest.pauses, [60_000]);
  for (const seconds of [61, 300]) {
    const { send, pauses } = scripted([status(429, { 'Retry-After': `${seconds}` })]);
    await t.throwsAsync(send(URL), {
      instanceOf: HubError,
      message: `${URL}: answered 429; the hub is busy or out of order (asked once); try again in ${seconds} s`,
    });
    t.deepEqual(pauses, []);
  }
});

test.serial('the time until another try is rounded up to seconds, and is 1 s at least', async (t) => {
  const now = Date.parse('2024-01-01T00:00:00.500Z');
  const clock = mock.method(Date, 'now', () => now);
  t.teardown(() => clock.mock.restore());
  for (const [seconds, shown] of [
    [-60, 1],
    [0, 1],
    [90, 90],
  ]) {
    const date = new Date(now - 500 + seconds * 1000).toUTCString();
    const { send } = scripted([status(503, { 'Retry-After': date })]);
    await t.throwsAsync(send(URL), {
      instanceOf: HubError,
      message: new RegExp(`; try again in ${shown} s$`),
    });
  }
});

test('the signal ends a pause and the wait for an answer, with its reason', async (t) => {
  const [reason, controller] = [new RangeError('enough'), new AbortController()];
  const busy = scripted([status(503), status(200)], {}, controller.signal);
  await busy.send(URL);
  t.is(busy.endings[0], controller.signal);
  const { send } = scripted(
    [
      () => {
        controller.abort(reason);
        throw new TypeError('fetch failed');
      },
    ],
    {},
    controller.signal,
  );
  t.is(await t.throwsAsync(send(URL)), reason);
  const paused = timer(60_000, controller.signal).then(() => 'ended');
  t.is(await Promise.race([paused, sleep(10_000, 'not ended', { ref: false })]), 'ended');
});

test('the body of a refusal is not read', async (t) => {
  let unread = 0;
  const refusal = (code: number) => () => {
    unread++;
    return new Response(new ReadableStream({ cancel: () => void unread-- }), { status: code });
  };
  await t.throwsAsync(scripted([refusal(503)]).send(URL), { instanceOf: HubError });
  await t.throwsAsync(scripted([refusal(404)]).send(URL), { instanceOf: HubError });
  t.is(unread, 0);
});

test('refusals that repeating cannot change are thrown at once, with advice', async (t) => {
  const cases: [() => Response, Partial<HubSettings>, RegExp][] = [
    [status(401), {}, /answered 401; org\/name does not exist, or is private or gated; .* set HF_TOKEN/],
    [status(401), { token: 'hf_x' }, /answered 401; the token .* is not valid or may not read org\/name/],
    [status(403), { token: 'hf_x' }, /answered 403; .* accept its conditions at https:\/\/hub\/org\/name,/],
    [status(404), {}, /answered 404; there is neither a directory org\/name nor such a model on the hub/],
    [
      status(404, { 'X-Error-Code': 'RevisionNotFound' }),
      {},
      /answered 404; org\/name has no such revision; choose one of https:\/\/hub\/org\/name\/refs$/,
    ],
    [status(404, { 'X-Error-Code': 'EntryNotFound' }), {}, /answered 404; the hub lists this file but/],
    [status(418), {}, /answered 418; check HF_ENDPOINT/],
  ];
  for (const [answer, settings, message] of cases) {
    const { send, sent } = scripted([answer], settings);
    const error = await t.throwsAsync(send(URL), { instanceOf: HubError, message });
    t.true(error.message.startsWith(`${URL}: `));
    t.notRegex(error.message, /hf_x/);
    t.is(sent.length, 1);
  }
});

test('a network error names its cause in place of "fetch failed"', async (t) => {
  const causes: [unknown, string][] = [
    [
      Object.assign(new Error('getaddrinfo ENOTFOUND hub'), { code: 'ENOTFOUND' }),
      'getaddrinfo ENOTFOUND hub',
    ],
    // With more than one address tried, Node leaves the message empty.
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [undefined, 'fetch failed'],
  ];
  for (const [cause, detail] of causes) {
    const { send } = scripted([
      () => {
        throw new TypeError('fetch failed', { cause });
      },
    ]);
    await t.throwsAsync(send(URL), {
      instanceOf: HubConnectionError,
      message: `${URL}: cannot be fetched (${detail}); check the network and HF_ENDPOINT, or set HF_HUB_OFFLINE=1 to use only what is cached`,
    });
  }
});
