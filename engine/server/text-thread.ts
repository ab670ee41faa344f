import { EngineClosedError } from '../errors.ts';
import type { DecodeOptions, EncodeOptions } from '../text/tokenizer.ts';
import type { VocabularyData } from '../text/vocabulary.ts';
import { ApiError } from './api-error.ts';
import type { ChatPrompt, ServedText } from './context.ts';
import type { TextJob, TextValue } from './text-messages.ts';
import { TextWorker } from './text-worker.ts';

/** A chat template can loop for ever, and holds up every text behind it. */
const DEFAULT_JOB_MS = 10_000;
/** A chat template could fill all memory that the machine has. */
const DEFAULT_MAX_HEAP_MB = 2048;

/** What {@link TextThread.start} takes beside the model. */
export interface TextThreadOptions {
  /** How long one text or conversation may take, in ms. Default 10,000. */
  readonly jobMs?: number;
  /** Memory for the objects of the thread, in MiB. Default 2048. */
  readonly maxHeapMb?: number;
}

interface QueuedJob {
  readonly job: TextJob;
  resolve(value: TextValue): void;
  reject(error: unknown): void;
}

/**
 * Tokenizer and chat template in a thread of their own: a long text does not hold up the caller's. Jobs are
 * done one after the other. One that takes too long is ended with its thread, and a new thread does the next.
 */
export class TextThread implements ServedText {
  readonly vocabulary: VocabularyData;
  readonly #modelDir: string;
  readonly #jobMs: number;
  readonly #maxHeapMb: number;
  readonly #queue: QueuedJob[] = [];
  #worker: TextWorker | undefined;
  #isWorking = false;
  #isClosed = false;

  private constructor(modelDir: string, options: Required<TextThreadOptions>, worker: TextWorker) {
    this.#modelDir = modelDir;
    this.#jobMs = options.jobMs;
    this.#maxHeapMb = options.maxHeapMb;
    this.#worker = worker;
    this.vocabulary = worker.vocabulary;
  }

  /** @throws ThreadError as `Tokenizer.load` throws, and for a malformed chat template. */
  static async start(modelDir: string, options: TextThreadOptions = {}): Promise<TextThread> {
    const { jobMs = DEFAULT_JOB_MS, maxHeapMb = DEFAULT_MAX_HEAP_MB } = options;
    const worker = await TextWorker.start(modelDir, maxHeapMb);
    return new TextThread(modelDir, { jobMs, maxHeapMb }, worker);
  }

  async encode(text: string, options: EncodeOptions = {}): Promise<number[]> {
    if (!text.isWellFormed()) {
      throw new ApiError(400, 'cannot encode half of a surrogate pair; send whole characters');
    }
    return idsOf(await this.#do({ type: 'encode', text, options }));
  }

  async encodeChat(chat: ChatPrompt): Promise<number[]> {
    return idsOf(await this.#do({ type: 'encodeChat', chat }));
  }

  async decode(ids: readonly number[], options: DecodeOptions = {}): Promise<string> {
    return (await this.#do({ type: 'decode', ids, options })) as string;
  }

  async tokens(ids: readonly number[]): Promise<string[]> {
    return (await this.#do({ type: 'tokens', ids })) as string[];
  }

  /** Ends the thread; unfinished jobs fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.end();
  }

  #do(job: TextJob): Promise<TextValue> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      void this.#work();
    });
  }

  /** Does the jobs of the queue until it is empty. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      await this.#run(next.job).then(next.resolve, next.reject);
    }
    this.#isWorking = false;
  }

  async #run(job: TextJob): Promise<TextValue> {
    if (this.#isClosed) throw new EngineClosedError();
    this.#worker ??= await TextWorker.start(this.#modelDir, this.#maxHeapMb);
    const worker = this.#worker;
    // Closed while the thread was started.
    if (this.#isClosed) await worker.end();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      void worker.end();
    }, this.#jobMs);
    try {
      return await worker.run(job);
    } catch (cause) {
      if (worker.hasEnded) this.#worker = undefined;
      if (!isLate) throw cause;
      const what = job.type === 'encodeChat' ? 'the chat template and its tokens' : 'the text';
      throw new ApiError(400, `cannot compute ${what} within ${this.#jobMs} ms; send less`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A loop takes 1 ms for the tokens of a mebibyte, Array.from() 10 ms, in the server's thread. */
function idsOf(value: TextValue): number[] {
  const tokens = value as Uint32Array;
  const ids = new Array<number>(tokens.length);
  for (let i = 0; i < tokens.length; i++) ids[i] = tokens[i];
  return ids;
}
