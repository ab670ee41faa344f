import type { GenerateResult } from '../serving/requests.ts';
import type { ServerContext } from './context.ts';
import type { Metrics } from './metrics.ts';
import type { ServedEvent, ThreadRequest } from './thread-messages.ts';

/** Tokens of one HTTP request, for its line in the log. */
export interface RequestTokens {
  promptTokens: number;
  completionTokens: number;
}

/**
 * The engine as one HTTP request uses it: what it serves is counted.
 *
 * @param tokens is added to as they come.
 * @param now a clock, in ms.
 */
export function measuredEngine(
  engine: ServerContext['engine'],
  metrics: Pick<Metrics, 'countPrompt' | 'countToken' | 'countSample' | 'countEnd'>,
  tokens: RequestTokens,
  now: () => number = () => performance.now(),
): ServerContext['engine'] {
  async function* generate(request: ThreadRequest, signal?: AbortSignal): AsyncGenerator<ServedEvent, void> {
    const begun = now();
    const lastTokens = new Map<number, number>();
    for await (const event of engine.generate(request, signal)) {
      if (event.type === 'token') {
        const last = lastTokens.get(event.sample);
        lastTokens.set(event.sample, now());
        tokens.completionTokens++;
        metrics.countToken(now() - (last ?? begun), last === undefined);
      } else {
        if (request.resultsOnly) countTokens(event.result, now() - begun);
        metrics.countSample(event.result.finishReason);
      }
      yield event;
    }
    tokens.promptTokens += request.ids.length;
    metrics.countPrompt(request.ids.length);
    metrics.countEnd(now() - begun);
  }
  /** Counts tokens that come with the result of their sample. @param ms from the request to the result. */
  function countTokens({ tokens: ids, timing }: GenerateResult, ms: number): void {
    tokens.completionTokens += ids.length;
    for (const i of ids.keys()) {
      if (i === 0) metrics.countToken(ms - timing.decodeMs, true);
      else metrics.countToken(timing.decodeMs / (ids.length - 1), false);
    }
  }
  return {
    generate,
    limits: engine.limits,
    get stats() {
      return engine.stats;
    },
  };
}
