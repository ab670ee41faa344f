import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/index.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { engineModel } from '../../verify/adapters/engine.ts';
import { httpSubject } from '../../verify/adapters/http/http-subject.ts';
import type { Check } from '../../verify/checks.ts';
import { NoAnswerError, SubjectError } from '../../verify/errors.ts';
import type { Subject, SubjectModel, TokenScores } from '../../verify/subject.ts';
import type { Verdict } from '../../verify/verdict.ts';
import { loadCases, type VerifyModel, type VerifyOptions, verify } from '../../verify/verify.ts';
import { LoopbackServer } from '../support/servers/loopback-server.ts';
import { SERVERS, serveModel } from '../support/servers/servers.ts';

const modelDir = await ensureFixture('dense');
const MODEL: VerifyModel = { name: 'dense', source: 'fixture', modelDir, golden: { name: 'dense' } };
const CASES = await loadCases(MODEL, { run: ['ids-short', 'ids-block'] });
const CHECKS: readonly Check[] = ['precision', 'greedy', 'consistency'];

const engine = engineModel(await Engine.load(modelDir));
const answers = new Map<string, Promise<unknown>>();

/** Each question is computed once, whatever asks it. */
function once<T>(call: string, request: object, answer: () => Promise<T>): Promise<T> {
  const key = JSON.stringify([call, { ...request, signal: undefined }]);
  const known = (answers.get(key) as Promise<T> | undefined) ?? answer();
  answers.set(key, known);
  return known;
}

/** Our engine, right at f32. @param change of each row */
function subject(change: (row: TokenScores) => TokenScores = (row) => row): SubjectModel {
  return {
    capabilities: { ...engine.capabilities, hidden: false },
    async forward({ ids, positions }) {
      const request = { ids, positions };
      const { rows } = await once('forward', request, () => engine.forward(request));
      return { rows: rows.map(change) };
    },
    async generate({ ids, maxNewTokens }) {
      const request = { ids, maxNewTokens };
      const { tokens, scores = [] } = await once('generate', request, () => engine.generate(request));
      return { tokens, scores: scores.map(change) };
    },
    close: async () => {},
  };
}

const inProcess = (model: SubjectModel): Subject => ({ info: { name: 'subject' }, load: async () => model });
const judged = (options: Partial<VerifyOptions>) =>
  verify({
    ...{ subject: inProcess(subject()), adapter: 'any', model: MODEL, cases: CASES, checks: CHECKS },
    ...options,
  });

/** What must not depend on how the subject is asked. */
const concluded = ({ verdict, reasons, precision, greedy, cases }: Verdict) => ({
  ...{ verdict, reasons, precision: precision.class, greedy: greedy.verdict, tokens: greedy.tokens },
  cases: Object.fromEntries(cases.map((each) => [each.id, each.verdict])),
});

test.after.always(() => engine.close());

test.serial(
  'the verdict does not depend on the order of cases, on concurrency, or on the adapter',
  async (t) => {
    const expected = concluded(await judged({}));
    t.like(expected, { verdict: 'right', precision: 'f32' }, JSON.stringify(expected.reasons));
    // What is right is kept by the order of cases, so that there are two.
    const orders = fc.constantFrom(CASES.cases, CASES.cases.toReversed());
    const concurrency = fc.integer({ min: 1, max: 9 });
    const apis = fc.constantFrom(undefined, 'vllm', 'sglang');
    const check = fc.asyncProperty(orders, concurrency, apis, async (cases, atOnce, api) => {
      const { served } = await serveModel(modelDir, subject());
      const server = api && (await LoopbackServer.start(SERVERS[api](served)));
      try {
        const reached = server ? { subject: httpSubject({ url: server.url, api, concurrency: atOnce }) } : {};
        const verdict = await judged({ ...reached, cases: { ...CASES, cases }, concurrency: atOnce });
        t.deepEqual(concluded(verdict), expected);
      } finally {
        await server?.close();
      }
    });
    await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 6 }) as Promise<void>);
  },
);

test.serial('honest answers that are scaled, permuted or cut short are refused', async (t) => {
  const factor = fc.double({ min: 0.2, max: 5, noNaN: true }).filter((x) => Math.abs(x - 1) > 0.01);
  const changes = fc.oneof(
    factor.map((by) => ({ what: 'scaled', change: (x: Float32Array) => x.map((value) => by * value) })),
    fc.integer({ min: 1, max: 383 }).map((by) => ({
      what: 'permuted',
      change: (x: Float32Array) => x.map((_, i) => x[(i + by) % x.length]),
    })),
    fc
      .integer({ min: 0, max: 383 })
      .map((n) => ({ what: 'cut', change: (x: Float32Array) => x.slice(0, n) })),
  );
  const check = fc.asyncProperty(changes, async ({ what, change }) => {
    const wrong = subject(({ values }) => ({ values: change(values) }));
    // Scaled by little, they are within the noise of a narrower class.
    const options = { checks: ['precision', 'greedy'], precision: 'f32' } as const;
    const { verdict } = await judged({ subject: inProcess(wrong), ...options });
    t.is(verdict, 'wrong', what);
  });
  await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 6 }) as Promise<void>);
});

test.serial('a server whose answers become any JSON at some time never passes', async (t) => {
  const apis = fc.constantFrom('vllm', 'sglang');
  const cases = { ...CASES, cases: CASES.cases.filter(({ id }) => id === 'ids-block') };
  const check = fc.asyncProperty(apis, fc.nat({ max: 40 }), fc.jsonValue(), async (api, from, json) => {
    const { served } = await serveModel(modelDir, subject());
    const server = await LoopbackServer.start(SERVERS[api](served));
    server.alter = (answer) => (server.requests.length > from ? json : answer);
    try {
      const http = httpSubject({ url: server.url, api, timeoutMs: 5000 });
      const { verdict } = await judged({ subject: http, cases });
      if (server.requests.length > from) t.not(verdict, 'right');
    } catch (error) {
      if (!(error instanceof SubjectError || error instanceof NoAnswerError)) throw error;
    } finally {
      await server.close();
    }
  });
  await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 20 }) as Promise<void>);
});
