import type { Engine, GenerateEvent, GenerateRequest, GenerateResult, TokenEvent } from '../engine/index.ts';

/** All events of `Engine.generate`, to the end. */
export async function generateAll(
  engine: Pick<Engine, 'generate'>,
  requests: Parameters<Engine['generate']>[0],
): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = [];
  for await (const event of engine.generate(requests)) events.push(event);
  return events;
}

/**
 * One request with one sample, to its end.
 *
 * @param onToken is called with each token as it comes.
 * @returns the result, and the tokens as they came. @throws what the engine says of a request that it cannot
 * serve.
 */
export async function generateOne(
  engine: Pick<Engine, 'generate'>,
  request: GenerateRequest,
  onToken: (event: TokenEvent) => void = () => {},
): Promise<{ result: GenerateResult; events: TokenEvent[] }> {
  const events: TokenEvent[] = [];
  let result: GenerateResult | undefined;
  for await (const event of engine.generate([request])) {
    if (event.type === 'error') throw event.error;
    if (event.type === 'token') {
      events.push(event);
      onToken(event);
    } else if (result) throw new Error('the engine gave a second result; expected one');
    else ({ result } = event);
  }
  if (!result) throw new Error('the engine ended without a result');
  return { result, events };
}

/** The results among events, by request and sample. @throws the first error among them. */
export function resultsOf(events: readonly GenerateEvent[]): GenerateResult[][] {
  const results: GenerateResult[][] = [];
  for (const event of events) {
    if (event.type === 'error') throw event.error;
    if (event.type !== 'result') continue;
    results[event.request] ??= [];
    results[event.request][event.sample] = event.result;
  }
  return results;
}
