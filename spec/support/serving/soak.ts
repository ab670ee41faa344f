import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Generation } from '../../../engine/serving/generation.ts';
import type { GenerateRequest, GenerateResult } from '../../../engine/serving/requests.ts';
import { denseModel, loadEngine } from '../../unit/engine/tiny-models.ts';
import { leakOf, serveAlone } from './serving.ts';
import { timedRequest } from './serving-workloads.ts';

/** Number of different requests; they are repeated at other times beside other requests. */
const DISTINCT = 40;
/** The most memory in use at the end, relative to half time. */
const MOST_GROWTH = 1.05;

/**
 * Sends many requests to an engine with a small cache, a third of them cancelled at some moment. Requires
 * that each is answered with the same bits as alone, and that no blocks, listeners or memory are left
 * behind.
 */
export async function soak(t: ExecutionContext, numRequests: number): Promise<void> {
  const model = denseModel({ max_position_embeddings: 128 });
  const stem = Array.from({ length: 40 }, (_, i) => (i * 7) % 19);
  const drawn = fc.sample(timedRequest(model, stem), { seed: 20261122, numRuns: DISTINCT });
  const alone = await serveAlone(await loadEngine(t, model, { prefixCaching: false }), drawn);

  const engine = await loadEngine(t, model, {
    blockSize: 4,
    cacheTokens: 120,
    maxBatch: 6,
    prefillChunk: 16,
  });
  const { bytesAllocated } = engine;
  // One signal for all requests: a listener that is not removed would pile up.
  const never = new AbortController();
  let signalled = 0;
  async function* requests(): AsyncGenerator<GenerateRequest> {
    for (let i = 0; i < numRequests; i++) {
      const { delay = 0, cancelAfter: _, ...request } = drawn[(i * 17) % DISTINCT];
      for (let turn = 0; turn < delay % 3; turn++) await nextTurn();
      const cancelled = new AbortController();
      if (i % 3 === 0) {
        setTimeout(() => {
          cancelled.abort();
          signalled += getEventListeners(cancelled.signal, 'abort').length;
        }, i % 7);
      }
      yield { ...request, signal: i % 3 === 0 ? cancelled.signal : never.signal };
    }
  }

  const answers = new Uint8Array(numRequests);
  let half = 0;
  let wrong = 0;
  let cut = 0;
  for await (const event of engine.generate(requests())) {
    if (event.type === 'error') throw event.error;
    if (event.type !== 'result') continue;
    if (!isRight(event.result, alone[(event.request * 17) % DISTINCT][event.sample])) wrong++;
    if (event.result.finishReason === 'abort') cut++;
    // A cancelled request may have its first sample only.
    if (event.sample === 0) answers[event.request]++;
    if (event.request >= numRequests / 2) half ||= bytesInUse();
  }
  t.is(wrong, 0, 'answers differ from those of the request alone');
  t.true(
    answers.every((count) => count === 1),
    `answers per request: ${answers}`,
  );
  t.true(cut > 0 && cut < numRequests / 2, `${cut} answers were cut short`);
  t.is(leakOf(engine.stats()), undefined);
  t.is(signalled + getEventListeners(never.signal, 'abort').length, 0, 'listeners are left on the signals');
  t.is(engine.bytesAllocated, bytesAllocated);
  const { preemptions, prefixCache, blocks } = engine.stats();
  t.true(preemptions > 0 && prefixCache.hits > 0 && blocks.evictions > 0 && blocks.copies > 0);
  const growth = bytesInUse() / half;
  t.is(queryObjects(Generation), 0, 'samples that have ended are still held');
  t.log({ numRequests, cut, preemptions, hits: prefixCache.hits, evictions: blocks.evictions, growth });
  t.true(growth < MOST_GROWTH, `memory in use grew to ${growth} times what it was at half time`);
}

function isRight(got: GenerateResult, expected: GenerateResult | undefined): boolean {
  if (!expected) return false;
  if (got.finishReason !== 'abort') return got.fingerprint === expected.fingerprint;
  return got.tokens.every((token, i) => token === expected.tokens[i]);
}

/** Bytes of reachable objects: to count objects, V8 first collects all garbage. */
function bytesInUse(): number {
  queryObjects(Generation);
  return process.memoryUsage().heapUsed;
}
