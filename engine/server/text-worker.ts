import type { Worker } from 'node:worker_threads';
import { EngineClosedError, ResourceError } from '../errors.ts';
import { namedShortage } from '../terminal/shortage.ts';
import { siblingModule } from '../terminal/sibling-module.ts';
import { startThread } from '../terminal/start-thread.ts';
import type { VocabularyData } from '../text/vocabulary.ts';
import { ApiError } from './api-error.ts';
import type { FromTextThread, TextJob, TextThreadData, TextValue } from './text-messages.ts';
import { ThreadError } from './thread-error.ts';

/** One life of the text's thread. */
export class TextWorker {
  readonly vocabulary: VocabularyData;
  readonly #worker: Worker;
  #hasEnded = false;

  private constructor(worker: Worker, vocabulary: VocabularyData) {
    this.#worker = worker;
    const end = () => {
      this.#hasEnded = true;
    };
    // The listener stays between two jobs as well: without one, the error of a thread ends the process.
    worker.on('exit', end).on('error', end);
    this.vocabulary = vocabulary;
  }

  /**
   * @param maxHeapMb memory for the objects of the thread, in MiB.
   * @throws ThreadError as `Tokenizer.load` throws, and for a malformed chat template; ResourceError if the
   * thread cannot be started.
   */
  static async start(modelDir: string, maxHeapMb: number): Promise<TextWorker> {
    const workerData: TextThreadData = { modelDir };
    const worker = startThread(siblingModule('./text-thread-main.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    try {
      const message = await nextMessage(worker);
      if (message.type !== 'ready') throw new RangeError(`expected the thread to be ready`);
      return new TextWorker(worker, message.vocabulary);
    } catch (error) {
      await worker.terminate();
      const named = namedShortage(error instanceof ApiError ? error.cause : error);
      throw named instanceof ResourceError ? named : error;
    }
  }

  /**
   * Does a job; only one at a time.
   *
   * @throws ThreadError as tokenizer and chat template throw; ApiError 400 if the thread breaks, as when it
   * runs out of memory; EngineClosedError if the thread is ended.
   */
  async run(job: TextJob): Promise<TextValue> {
    if (this.#hasEnded) throw new EngineClosedError();
    this.#worker.postMessage(job);
    const message = await nextMessage(this.#worker);
    if (message.type !== 'done') throw new RangeError(`expected a text to be done`);
    return message.value;
  }

  /** Whether the thread does no more jobs. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Ends the thread, whatever it does. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

async function nextMessage(worker: Worker): Promise<FromTextThread> {
  const { promise, resolve, reject } = Promise.withResolvers<FromTextThread>();
  const fail = (cause: Error) => {
    reject(new ApiError(400, `cannot process the text: ${cause.message}`, { cause }));
  };
  const exit = () => reject(new EngineClosedError());
  worker.on('message', resolve).on('error', fail).on('exit', exit);
  try {
    const message = await promise;
    if (message.type === 'failed') throw new ThreadError(message.error);
    return message;
  } finally {
    worker.off('message', resolve).off('error', fail).off('exit', exit);
  }
}
