import type { ExecutionContext } from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { createApp } from '../../../../engine/server/app.ts';
import type { Handler, ServerContext } from '../../../../engine/server/context.ts';
import { Metrics } from '../../../../engine/server/metrics.ts';
import { OpenRequests } from '../../../../engine/server/open-requests.ts';
import { toolsJsonOf } from '../../../../engine/server/request-body.ts';
import type { LoggedRequest } from '../../../../engine/server/request-log.ts';
import type { RequestRules } from '../../../../engine/server/request-rules.ts';
import { closing } from '../../../support/processes/cleanup.ts';
import { fakeEngine } from './fakes.ts';

/** Continues `ids`, whole or, with `stream`, token by token. */
const echo: Handler = (body, { engine }, signal) => {
  const { ids, stream } = body as { ids: number[]; stream?: boolean };
  async function* chunks() {
    for await (const event of engine.generate({ ids, maxNewTokens: 1 }, signal)) {
      if (event.type === 'token') yield { token: event.token };
    }
  }
  const whole = async () => {
    const tokens: unknown[] = [];
    for await (const { token } of chunks()) tokens.push(token);
    return { tokens };
  };
  return stream ? chunks() : whole();
};

const full: Handler = async () => {
  throw new ApiError(429, 'full', { retryAfter: 3 });
};

const tools: Handler = async (body) => ({ json: toolsJsonOf(body) });

export const long: Handler = async () => ({ lists: [Array.from({ length: 50_000 }, (_, i) => i)] });

const bug: Handler = async () => {
  throw new TypeError('secret');
};

/** The application over a fake engine, with a handler for each kind of answer. */
export function makeApp(t: ExecutionContext, rules: RequestRules = {}) {
  const engine = fakeEngine();
  const open = new OpenRequests();
  const logged: LoggedRequest[] = [];
  const state = { engine, open, logged, reason: undefined as Error | undefined };
  const app = createApp({
    context: { engine, servedModelName: 'qwen3', created: 1 } as unknown as ServerContext,
    metrics: new Metrics({ stats: () => engine.stats, numOpen: () => 0 }),
    ...{ open, rules },
    handlers: { '/echo': echo, '/full': full, '/tools': tools, '/long': long, '/bug': bug },
    whyClosed: () => state.reason,
    log: (request) => logged.push(request),
  });
  closing(t, app);
  const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, payload: payload as object, headers });
  return { ...state, app, post, state };
}
