import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { OpenRequests } from '../../../../engine/server/open-requests.ts';
import type { LoggedRequest } from '../../../../engine/server/request-log.ts';
import { openRequest, pathOf } from '../../../../engine/server/request-state.ts';

test('a client that leaves aborts its request, which is logged and counted', async (t) => {
  const open = new OpenRequests();
  const [counted, logged]: [unknown[], LoggedRequest[]] = [[], []];
  const raw = new ServerResponse(new IncomingMessage(new Socket()));
  const request = { method: 'POST', url: '/tokenize?key=secret', routeOptions: { url: undefined } };
  const sinks = {
    open,
    metrics: { countRequest: (...args: unknown[]) => counted.push(args) },
    log: (each: LoggedRequest) => logged.push(each),
  };
  const state = openRequest(request as never, { raw } as never, sinks, undefined);
  state.tokens.promptTokens = 2;
  t.is(open.size, 1);
  raw.destroy();
  await sleep(0);
  t.is(open.size, 0);
  t.is(state.open.signal.reason.message, 'the client has left');
  t.deepEqual(counted, [['unknown', 'left']]);
  t.like(logged[0], { method: 'POST', path: '/tokenize', status: undefined, promptTokens: 2 });
});

test('the path of a URL has no query', (t) => {
  t.is(pathOf('/a/b?c=d?e'), '/a/b');
  t.is(pathOf('/a'), '/a');
});
