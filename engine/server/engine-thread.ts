import type { Worker } from 'node:worker_threads';
import { EngineClosedError } from '../errors.ts';
import type { EngineOptions, LoadProgress } from '../options.ts';
import { shareJoined } from '../parallel/mpi/join.ts';
import type { EngineStats } from '../serving/requests.ts';
import { namedShortage } from '../terminal/shortage.ts';
import { siblingModule } from '../terminal/sibling-module.ts';
import { startThread } from '../terminal/start-thread.ts';
import type { VocabularyData } from '../text/vocabulary.ts';
import { unpackEvent } from './packed-logprobs.ts';
import { ThreadError } from './thread-error.ts';
import type {
  EngineLimits,
  FromThread,
  RequestNews,
  ServedEvent,
  ThreadData,
  ThreadRequest,
  ToThread,
} from './thread-messages.ts';

/** How the engine of a thread is loaded. */
export interface EngineThreadOptions {
  readonly modelDir: string;
  readonly options: Omit<EngineOptions, 'onProgress'>;
  /** Whether the model has a tokenizer; then {@link EngineThread.setVocabulary} is called. */
  readonly hasTokenizer: boolean;
  readonly onProgress?: LoadProgress;
}

/** How long a thread may take to end, in ms; ranks that do not answer take 10 s. */
const CLOSE_MS = 20_000;

/** What is used of the engine's thread; a worker, or an emitter in tests. */
export type ThreadPort = Pick<Worker, 'on' | 'once' | 'off' | 'postMessage' | 'terminate'>;

/** What has arrived of one request and is not taken yet. */
interface Inbox {
  readonly events: ServedEvent[];
  isEnded: boolean;
  error: Error | undefined;
  wake: (() => void) | undefined;
}

/**
 * An engine in a thread of its own: the calling thread stays responsive while a step is computed. Requests
 * of all callers share steps, as in `Engine.generate`.
 */
export class EngineThread {
  readonly limits: EngineLimits;
  readonly #thread: ThreadPort;
  readonly #inboxes = new Map<number, Inbox>();
  readonly #exited: Promise<void>;
  #onFailure: ((error: Error) => void) | undefined;
  #stats: EngineStats;
  #numRequests = 0;
  #failure: Error | undefined;
  #isClosing = false;

  private constructor(thread: ThreadPort, limits: EngineLimits, stats: EngineStats) {
    this.#thread = thread;
    this.limits = limits;
    this.#stats = stats;
    thread.on('message', (message: FromThread) => this.#take(message));
    thread.on('error', (error) => this.#fail(error));
    this.#exited = new Promise((resolve) =>
      thread.once('exit', () => {
        this.#fail(new EngineClosedError());
        resolve();
      }),
    );
  }

  /**
   * Starts the thread and loads the engine in it.
   *
   * @throws ThreadError as `Engine.load` throws; ResourceError if the thread cannot be started.
   */
  static async start(options: EngineThreadOptions, startThread = startEngineThread): Promise<EngineThread> {
    const thread = startThread(options);
    const { promise, resolve, reject } = Promise.withResolvers<EngineThread>();
    const take = (message: FromThread) => {
      if (message.type === 'progress') options.onProgress?.(message.done, message.total);
      else if (message.type === 'failed') reject(new ThreadError(message.error));
      else if (message.type === 'ready') resolve(new EngineThread(thread, message.limits, message.stats));
    };
    const exit = () => reject(new EngineClosedError());
    thread.on('message', take).once('error', reject).once('exit', exit);
    try {
      return await promise;
    } catch (error) {
      await thread.terminate();
      throw namedShortage(error);
    } finally {
      // One by one: removeAllListeners() would take the worker's own listeners away, and silence it.
      thread.off('message', take).off('error', reject).off('exit', exit);
    }
  }

  /** As of the last step: the thread does not answer while it computes. */
  get stats(): EngineStats {
    return this.#stats;
  }

  /** Why no more requests can be served; undefined while they can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Calls the listener when the engine breaks before it is closed; at once if it is broken. */
  onFailure(listener: (error: Error) => void): void {
    if (this.#failure) listener(this.#failure);
    else this.#onFailure = listener;
  }

  /** Gives the engine the tokens of the model's tokenizer, which turn ids into text; before any request. */
  setVocabulary(vocabulary: VocabularyData): void {
    this.#send({ type: 'vocabulary', vocabulary });
  }

  /**
   * Serves a request. Leaving the loop ends the request within a step. Events that are not taken wait, at
   * most as many as the request has tokens: a slow caller holds up no step.
   *
   * @throws ThreadError if the request is refused or the engine breaks; EngineClosedError; the reason of the
   * signal if it is aborted.
   */
  async *generate(request: ThreadRequest, signal?: AbortSignal): AsyncGenerator<ServedEvent, void> {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    if (this.#isClosing) throw new EngineClosedError();
    const id = this.#numRequests++;
    const inbox: Inbox = { events: [], isEnded: false, error: undefined, wake: undefined };
    this.#inboxes.set(id, inbox);
    const abort = () => wake(inbox);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#send({ type: 'generate', id, request });
      for (;;) {
        signal?.throwIfAborted();
        const event = inbox.events.shift();
        if (event) yield event;
        else if (inbox.error) throw inbox.error;
        else if (inbox.isEnded) return;
        else await new Promise<void>((resolve) => (inbox.wake = resolve));
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#inboxes.delete(id);
      if (!inbox.isEnded) this.#send({ type: 'abort', id });
    }
  }

  /** Ends all requests, the engine and the thread; a step that is being computed ends first. */
  async close(): Promise<void> {
    if (!this.#isClosing) this.#send({ type: 'close' });
    this.#isClosing = true;
    const timer = setTimeout(() => void this.#thread.terminate(), CLOSE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #send(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  #take(message: FromThread): void {
    if (message.type === 'failed') this.#fail(new ThreadError(message.error));
    if (message.type !== 'news') return;
    this.#stats = message.stats;
    for (const news of message.news) this.#deliver(news);
  }

  #deliver(news: RequestNews): void {
    const inbox = this.#inboxes.get(news.id);
    // A caller that has left the loop has no inbox any more.
    if (!inbox) return;
    if (news.event) inbox.events.push(unpackEvent(news.event));
    else {
      inbox.isEnded = true;
      if (news.error) inbox.error = new ThreadError(news.error);
    }
    wake(inbox);
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const inbox of this.#inboxes.values()) {
      inbox.isEnded = true;
      inbox.error = error;
      wake(inbox);
    }
    if (!this.#isClosing) this.#onFailure?.(error);
  }
}

function startEngineThread({ modelDir, options, hasTokenizer }: EngineThreadOptions): ThreadPort {
  const workerData: ThreadData = { modelDir, options, hasTokenizer };
  shareJoined();
  return startThread(siblingModule('./engine-thread-main.ts', import.meta.url), { workerData });
}

function wake(inbox: Inbox): void {
  inbox.wake?.();
  inbox.wake = undefined;
}
