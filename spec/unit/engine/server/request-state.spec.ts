import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { OpenRequests } from '../../../../engine/server/open-requests.ts';
import type { LoggedRequest } from '../../../../engine/server/request-log.ts';
import { openRequest, pathOf } from '../../../../engine/server/request-state.ts';

test('a client that leaves aborts its request, which is logged and counted', async (t) => {
  const begun = Date.now();
  const open = new OpenRequests();
  const [counted, logged]: [unknown[], LoggedRequest[]] = [[], []];
  const raw = new ServerResponse(new IncomingMessage(new Socket()));
  const request = { method: 'POST', url: '/tokenize?key=secret', routeOptions: { url: undefined } };
  const sinks = {
    open,
    rules: {},
    metrics: { countRequest: (...args: unknown[]) => counted.push(args) },
    log: (each: LoggedRequest) => logged.push(each),
  };
  const state = openRequest(request as never, { raw } as never, sinks);
  state.tokens.promptTokens = 2;
  t.is(open.size, 1);
  raw.destroy();
  await sleep(0);
  t.is(open.size, 0);
  t.is(state.open.signal.reason.message, 'the client has left');
  t.deepEqual(counted, [['unknown', 'left']]);
  const [{ time, ms, ...line }] = logged;
  t.deepEqual(line, {
    ...{ method: 'POST', path: '/tokenize', status: undefined, promptTokens: 2, completionTokens: 0 },
    error: undefined,
  });
  t.true(ms >= 0 && ms < Date.now() - begun + 1 && time.getTime() >= begun, `${time} ${ms}`);
});

test('an answer that has ended is counted by its route and status, and aborts nothing', async (t) => {
  const open = new OpenRequests();
  const [counted, logged]: [unknown[], LoggedRequest[]] = [[], []];
  const raw = new ServerResponse(new IncomingMessage(new Socket()));
  const request = { method: 'GET', url: '/v1/models/m', routeOptions: { url: '/v1/models/:model' } };
  const sinks = {
    ...{ open, rules: {} },
    metrics: { countRequest: (...args: unknown[]) => counted.push(args) },
    log: (each: LoggedRequest) => logged.push(each),
  };
  const state = openRequest(request as never, { raw } as never, sinks);
  state.error = new ApiError(404, 'gone');
  raw.statusCode = 404;
  raw.assignSocket(new PassThrough() as unknown as Socket);
  raw.end(() => raw.emit('close'));
  while (open.size > 0) await sleep(1);
  t.false(state.open.signal.aborted);
  t.deepEqual(counted, [['/v1/models/:model', 404]]);
  t.like(logged, { 0: { path: '/v1/models/m', status: 404, error: state.error }, length: 1 });
});

test.serial('a client that takes nothing is left when it has taken nothing for the whole time', (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  for (const [rules, ms] of [
    [{}, 60_000],
    [{ stallTimeoutMs: 400 }, 400],
  ] as const) {
    const raw = new ServerResponse(new IncomingMessage(new Socket()));
    Object.defineProperty(raw, 'writableNeedDrain', { get: () => true });
    Object.defineProperty(raw, 'writableLength', { get: () => 1000 });
    const request = { method: 'GET', url: '/', routeOptions: { url: '/' } };
    const sinks = { open: new OpenRequests(), rules, metrics: { countRequest: () => {} }, log: () => {} };
    openRequest(request as never, { raw } as never, sinks);
    // At the first check there is nothing to compare with.
    mock.timers.tick((ms / 4) * 5 - 1);
    t.false(raw.destroyed, `${ms} ms`);
    mock.timers.tick(1);
    t.true(raw.destroyed, `${ms} ms`);
  }
});

test('a client that takes nothing is left, one that takes little is not', async (t) => {
  const open = new OpenRequests();
  const statuses: unknown[] = [];
  const sinks = {
    open,
    rules: { stallTimeoutMs: 8 },
    metrics: { countRequest: (_: string, status: unknown) => statuses.push(status) },
    log: () => {},
  };
  const request = { method: 'GET', url: '/', routeOptions: { url: '/' } };
  const responses = [0, 1].map((step) => {
    const raw = new ServerResponse(new IncomingMessage(new Socket()));
    let waiting = 1000;
    Object.defineProperty(raw, 'writableNeedDrain', { get: () => true });
    Object.defineProperty(raw, 'writableLength', { get: () => (waiting -= step) });
    openRequest(request as never, { raw } as never, sinks);
    return raw;
  });
  while (!responses[0].destroyed) await sleep(1);
  t.false(responses[1].destroyed);
  responses[1].destroy();
  while (open.size > 0) await sleep(1);
  t.deepEqual(statuses, ['left', 'left']);
});

test('the pauses of a client that goes on taking are not added up', async (t) => {
  const open = new OpenRequests();
  const raw = new ServerResponse(new IncomingMessage(new Socket()));
  let reads = 0;
  Object.defineProperty(raw, 'writableNeedDrain', { get: () => true });
  // Two reads a check: it takes nothing at two checks of three, and something at the third.
  Object.defineProperty(raw, 'writableLength', { get: () => 1000 - Math.floor(reads++ / 6) });
  const request = { method: 'GET', url: '/', routeOptions: { url: '/' } };
  const metrics = { countRequest: () => {} };
  const sinks = { open, rules: { stallTimeoutMs: 8 }, metrics, log: () => {} };
  openRequest(request as never, { raw } as never, sinks);
  while (reads < 60 && !raw.destroyed) await sleep(1);
  t.false(raw.destroyed, `closed after ${reads / 2} checks, of which it took nothing at two of three`);
  raw.destroy();
  while (open.size > 0) await sleep(1);
});

test.serial('a client is not looked at when its answer has ended', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const raw = new ServerResponse(new IncomingMessage(new Socket()));
  let looks = 0;
  Object.defineProperty(raw, 'writableNeedDrain', { get: () => ++looks < 0 });
  const request = { method: 'GET', url: '/', routeOptions: { url: '/' } };
  const open = new OpenRequests();
  const sinks = { open, rules: { stallTimeoutMs: 8 }, metrics: { countRequest: () => {} }, log: () => {} };
  openRequest(request as never, { raw } as never, sinks);
  mock.timers.tick(8);
  t.is(looks, 4);
  raw.destroy();
  while (open.size > 0) await sleep(1);
  mock.timers.tick(80);
  t.is(looks, 4, 'after its end');
});

test('the path of a URL has no query', (t) => {
  t.is(pathOf('/a/b?c=d?e'), '/a/b');
  t.is(pathOf('/a'), '/a');
});
