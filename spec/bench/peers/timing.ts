import { setTimeout as sleep } from 'node:timers/promises';
import type { SamplingOptions } from '../../../engine/serving/sampling-params.ts';
import type { Arrival } from '../workload.ts';
import type { Peer } from './peer.ts';

/** How long prompts that were continued together took, from the call on. */
export interface BatchTiming {
  /** Until every prompt had its first token. */
  firstTokenMs: number;
  totalMs: number;
  tokens: number[][];
  /** Prompt tokens that were found in the peer's cache, where it tells. */
  cachedTokens: number | undefined;
}

/** How long a request took that came by itself, from when it came. */
export interface RequestTiming {
  firstTokenMs: number;
  totalMs: number;
  numTokens: number;
}

export interface ServiceTiming {
  requests: RequestTiming[];
  /** From when the first could have come until the last was done. */
  totalMs: number;
}

/** @throws Error if the peer returned another number of tokens than it was asked for. */
export async function timeBatch(
  peer: Peer,
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
  sampling?: SamplingOptions,
): Promise<BatchTiming> {
  const waiting = new Set(prompts.keys());
  let firstTokenMs = Number.NaN;
  const begin = performance.now();
  const onToken = (prompt: number) => {
    if (waiting.delete(prompt) && waiting.size === 0) firstTokenMs = performance.now() - begin;
  };
  const tokens = await peer.generate(prompts, maxNewTokens, onToken, sampling);
  const totalMs = performance.now() - begin;
  for (const { length } of tokens) checkLength(length, maxNewTokens);
  return { firstTokenMs, totalMs, tokens, cachedTokens: peer.cachedTokens?.() };
}

/** A queue: requests beyond what the peer serves at once wait, first come, first served. */
export async function timeService(peer: Peer, arrivals: readonly Arrival[]): Promise<ServiceTiming> {
  const begin = performance.now();
  const turns = new Turns(peer.maxConcurrent);
  const requests = await Promise.all(
    arrivals.map(async ({ atMs, ids, maxNewTokens }) => {
      await sleepUntil(begin + atMs);
      return await turns.take(async () => {
        let firstTokenMs = Number.NaN;
        const [tokens] = await peer.generate([ids], maxNewTokens, () => {
          if (Number.isNaN(firstTokenMs)) firstTokenMs = performance.now() - begin - atMs;
        });
        checkLength(tokens.length, maxNewTokens);
        return { firstTokenMs, totalMs: performance.now() - begin - atMs, numTokens: tokens.length };
      });
    }),
  );
  return { requests, totalMs: performance.now() - begin };
}

/** A timer may end up to a millisecond early. @param ms of `performance.now()` */
async function sleepUntil(ms: number): Promise<void> {
  for (let early = ms - performance.now(); early > 0; early = ms - performance.now()) await sleep(early);
}

/** Lets a number of tasks run at once, the others in the order in which they came. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

function checkLength(length: number, expected: number): void {
  if (length !== expected) throw new Error(`${length} tokens came of ${expected} that were asked for`);
}
