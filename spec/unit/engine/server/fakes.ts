import { setImmediate as turn } from 'node:timers/promises';
import type { ServedModel } from '../../../../engine/server/start-threads.ts';
import type { ServedEvent, ThreadRequest } from '../../../../engine/server/thread-messages.ts';
import type { EngineStats } from '../../../../engine/serving/requests.ts';

/** What an engine has done that has done nothing. */
export const NO_STATS: EngineStats = {
  ...{ steps: 0, tokens: 0, running: 0, waiting: 0, preemptions: 0 },
  blocks: { total: 4, free: 4, cached: 0, evictions: 0, copies: 0 },
  prefixCache: { queries: 0, hits: 0, savedTokens: 0 },
  promptLookup: { drafted: 0, accepted: 0 },
};

/** An engine that repeats the prompt, and can be broken. */
export interface FakeEngineThread extends Omit<ServedModel['engine'], 'stats'> {
  stats: EngineStats;
  /** Each token of a request waits for it. */
  beforeToken(index: number): Promise<void>;
  isClosed: boolean;
  fail(error: Error): void;
}

export function fakeEngine(): FakeEngineThread {
  let [failure, listener]: [Error | undefined, ((error: Error) => void) | undefined] = [undefined, undefined];
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const engine: FakeEngineThread = {
    stats: NO_STATS,
    beforeToken: async () => {},
    isClosed: false,
    limits: { vocabSize: 300, maxTokens: 64, maxBatch: 2 },
    async *generate(request: ThreadRequest, signal?: AbortSignal): AsyncGenerator<ServedEvent, void> {
      signal?.throwIfAborted();
      const aborted = new Promise<never>((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason)),
      );
      aborted.catch(() => {});
      for (const [index, token] of request.ids.entries()) {
        await Promise.race([engine.beforeToken(index), broken.promise, aborted]);
        const text = String.fromCharCode(token);
        yield { type: 'token', request: 0, sample: 0, token, text, logprobs: undefined, logits: undefined };
      }
    },
    onFailure(given) {
      if (failure) given(failure);
      listener = given;
    },
    fail(error) {
      failure = error;
      broken.reject(error);
      listener?.(error);
    },
    async close() {
      await turn();
      engine.isClosed = true;
    },
  };
  return engine;
}

/** A tokenizer of single characters. */
export function fakeText(): NonNullable<ServedModel['text']> & { isClosed: boolean } {
  const text = {
    isClosed: false,
    vocabulary: { bytes: new Uint8Array(), ends: new Uint32Array(), specialIds: new Set<number>() },
    encode: async (given: string) => Array.from(given, (character) => character.charCodeAt(0)),
    encodeChat: async () => [1, 2],
    decode: async (ids: readonly number[]) => String.fromCharCode(...ids),
    tokens: async (ids: readonly number[]) => ids.map((id) => String.fromCharCode(id)),
    close: async () => {
      await turn();
      await turn();
      text.isClosed = true;
    },
  };
  return text;
}
