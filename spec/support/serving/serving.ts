import type { Engine } from '../../../engine/engine.ts';
import type { EngineOptions } from '../../../engine/options.ts';
import { Fingerprint } from '../../../engine/serving/fingerprint.ts';
import type {
  EngineStats,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
} from '../../../engine/serving/requests.ts';
import { generateAll, resultsOf } from '../../../verify/generate.ts';

/**
 * A request that is sent at a given time, and may be cancelled. Time is counted in turns of the event loop,
 * which are about steps.
 */
export interface TimedRequest extends Omit<GenerateRequest, 'signal'> {
  /** Turns after the request before it. Default 0. */
  delay?: number;
  /** Turns after which it is cancelled, if it has not ended by then. Default: it is not. */
  cancelAfter?: number;
}

/** An engine's settings that must not change a bit of its results. */
export type Settings = Pick<
  EngineOptions,
  | 'cacheTokens'
  | 'blockSize'
  | 'maxBatch'
  | 'maxBatchTokens'
  | 'prefillChunk'
  | 'prefixCaching'
  | 'promptLookup'
>;

/** The results of requests, by sample. */
export type Results = readonly (readonly GenerateResult[])[];

/** More turns than any workload takes: an engine that hangs must not hang the tests. */
const MAX_TURNS = 20_000;

/**
 * Serves requests together, each sent at its time.
 *
 * @param onTurn is called once a turn.
 * @returns the results, by request and sample. @throws the error of a request that cannot be served.
 */
export async function serve(
  engine: Pick<Engine, 'generate'>,
  requests: readonly TimedRequest[],
  onTurn: () => void = () => {},
): Promise<Results> {
  return resultsOf(await serveEvents(engine, requests, onTurn));
}

/** The same. @returns all events, of errors too. */
export async function serveEvents(
  engine: Pick<Engine, 'generate'>,
  requests: readonly TimedRequest[],
  onTurn: () => void = () => {},
): Promise<GenerateEvent[]> {
  const clock = new Clock(onTurn);
  async function* arriving(): AsyncGenerator<GenerateRequest> {
    for (const { delay = 0, cancelAfter = MAX_TURNS, ...request } of requests) {
      if (delay > 0) await clock.wait(delay);
      yield { ...request, signal: clock.signalAfter(cancelAfter) };
    }
  }
  clock.start();
  try {
    return await generateAll(engine, arriving());
  } finally {
    clock.stop();
  }
}

/** Counts turns of the event loop, and runs what is due. */
class Clock {
  readonly #due = new Map<number, (() => void)[]>();
  #turn = 0;
  #immediate: NodeJS.Immediate | undefined;
  readonly #onTurn: () => void;

  constructor(onTurn: () => void) {
    this.#onTurn = onTurn;
  }

  start(): void {
    this.#immediate = setImmediate(() => {
      this.#turn++;
      this.#onTurn();
      for (const act of this.#due.get(this.#turn) ?? []) act();
      this.#due.delete(this.#turn);
      this.start();
    });
  }

  stop(): void {
    clearImmediate(this.#immediate);
  }

  wait(turns: number): Promise<void> {
    return new Promise((resolve) => this.#after(turns, resolve));
  }

  signalAfter(turns: number): AbortSignal {
    const controller = new AbortController();
    this.#after(turns, () => controller.abort());
    return controller.signal;
  }

  #after(turns: number, act: () => void): void {
    const turn = this.#turn + Math.max(1, turns);
    this.#due.set(turn, [...(this.#due.get(turn) ?? []), act]);
  }
}

/** Serves each request alone, uncancelled, on an engine without prefix cache: the expected results. */
export async function serveAlone(
  engine: Pick<Engine, 'generate'>,
  requests: readonly TimedRequest[],
): Promise<Results> {
  const results: (readonly GenerateResult[])[] = [];
  for (const { delay: _, cancelAfter: __, ...request } of requests) {
    results.push(...(await serve(engine, [request])));
  }
  return results;
}

/** @returns the first difference from the results of the requests alone, in words. */
export function differenceFrom(
  alone: Results,
  served: Results,
  requests: readonly TimedRequest[],
): string | undefined {
  for (const [i, request] of requests.entries()) {
    const cancelled = request.cancelAfter !== undefined;
    for (const [sample, expected] of alone[i].entries()) {
      const where = `request ${i}, sample ${sample}`;
      const got = served[i]?.[sample];
      // A request that is cancelled before its prompt is computed has no further samples yet.
      if (!got && !(cancelled && sample > 0)) return `${where}: no result`;
      const difference =
        got?.finishReason === 'abort'
          ? differenceFromPrefix(got, expected, cancelled)
          : got && differenceOf(got, expected);
      if (difference) return `${where}: ${difference}`;
    }
  }
  return undefined;
}

function differenceOf(got: GenerateResult, expected: GenerateResult): string | undefined {
  for (const key of ['tokens', 'finishReason', 'fingerprint', 'logprobs', 'promptLogprobs'] as const) {
    // JSON writes a float64 so that it is read back the same.
    const [is, should] = [got[key], expected[key]].map((value) => {
      return Array.isArray(value) ? value.map((one) => JSON.stringify(one)) : [JSON.stringify(value)];
    });
    const step = should.findIndex((value, i) => value !== is[i]);
    if (step >= 0)
      return `${key}${should.length > 1 ? ` of step ${step}` : ''}: ${is[step]}; alone ${should[step]}`;
    if (is.length > should.length) return `${key}: ${is.length} steps; alone ${should.length}`;
  }
  return undefined;
}

function differenceFromPrefix(got: GenerateResult, expected: GenerateResult, cancelled: boolean) {
  if (!cancelled) return `it came to no end; alone it has ${expected.tokens.length} tokens`;
  const prefix = expected.tokens.slice(0, got.tokens.length);
  if (got.tokens.join() === prefix.join()) return undefined;
  return `cancelled with tokens ${got.tokens}; alone ${prefix}`;
}

/** @returns what an engine has not released after its last request, in words. */
export function leakOf({ running, waiting, blocks }: EngineStats): string | undefined {
  if (running + waiting === 0 && blocks.free === blocks.total) return undefined;
  return `left behind: ${running} running, ${waiting} waiting, ${blocks.total - blocks.free} of ${blocks.total} blocks`;
}

/** The fingerprint that a pass over a whole sequence gives its generated tokens: no batch, no decoding. */
export function fingerprintOfPass(engine: Engine, ids: readonly number[], tokens: readonly number[]): string {
  const fingerprint = new Fingerprint();
  if (tokens.length === 0) return fingerprint.digest();
  const positions = tokens.map((_, step) => ids.length - 1 + step);
  const { logits } = engine.forward([...ids, ...tokens.slice(0, -1)], { positions });
  const { vocabSize } = engine.config;
  tokens.forEach((_, i) => {
    fingerprint.add(logits.subarray(i * vocabSize, (i + 1) * vocabSize));
  });
  return fingerprint.digest();
}
