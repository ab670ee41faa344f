import type { EngineOptions } from '../options.ts';
import type { EngineStats, GenerateEvent, GenerateRequest } from '../serving/requests.ts';
import type { VocabularyData } from '../text/vocabulary.ts';
import type { PackedEvent } from './packed-logprobs.ts';
import type { ErrorData } from './thread-error.ts';

/** What the engine's thread is started with; structured clone copies it. */
export interface ThreadData {
  readonly modelDir: string;
  readonly options: Omit<EngineOptions, 'onProgress'>;
  /** Whether the model has a tokenizer, whose vocabulary comes in a message before the first request. */
  readonly hasTokenizer: boolean;
}

/** A request without what cannot be copied into another thread. */
export interface ThreadRequest extends Omit<GenerateRequest, 'signal' | 'returnLogits'> {
  /**
   * Send the results of its samples alone, not each token: a message for each would cost the server's thread
   * more than the answer. Default false.
   */
  readonly resultsOnly?: boolean;
}

/** An event of a request that the engine serves. */
export type ServedEvent = Exclude<GenerateEvent, { type: 'error' }>;

/** What a request may be at most. */
export interface EngineLimits {
  readonly vocabSize: number;
  /** Positions of prompt and continuation together. */
  readonly maxTokens: number;
  /** Sequences that are computed in one step. */
  readonly maxBatch: number;
}

/** From the server to the engine's thread. */
export type ToThread =
  | { readonly type: 'vocabulary'; readonly vocabulary: VocabularyData }
  | { readonly type: 'generate'; readonly id: number; readonly request: ThreadRequest }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'close' };

/** What a request has brought forth: an event, or its end, with an error if it could not be served. */
export type RequestNews = { readonly id: number } & (
  | { readonly event: PackedEvent }
  | { readonly event?: undefined; readonly error?: ErrorData }
);

/** From the engine's thread to the server. */
export type FromThread =
  /** The share of the weights that is read, in bytes. */
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'ready'; readonly limits: EngineLimits; readonly stats: EngineStats }
  /** What one step has brought forth, of all requests. */
  | { readonly type: 'news'; readonly news: readonly RequestNews[]; readonly stats: EngineStats }
  /** The engine is broken: it could not be loaded, or a step has failed. */
  | { readonly type: 'failed'; readonly error: ErrorData };
