import type { ModelConfig } from './config.ts';
import type { Leader } from './distributed/leader.ts';
import { type LoadedModel, loadModel } from './distributed/load-model.ts';
import { EngineClosedError, OptionError } from './errors.ts';
import type { Kernels } from './kernels/kernels.ts';
import { checkFunction, checkObject, type EngineOptions, type ScheduleOptions } from './options.ts';
import { Runner } from './runner.ts';
import { checkRequest } from './serving/check-request.ts';
import { completeForwardOptions } from './serving/forward-options.ts';
import type { Generation } from './serving/generation.ts';
import { checkPrompt } from './serving/prompt.ts';
import { RequestQueue } from './serving/request-queue.ts';
import { type RequestStream, RequestTracker } from './serving/request-tracker.ts';
import type {
  EngineStats,
  FinishReason,
  ForwardOptions,
  ForwardResult,
  GenerateEvent,
  GenerateRequest,
} from './serving/requests.ts';
import { createSamplingScratch, type SamplingScratch } from './serving/sampler.ts';
import type { Tokenizer } from './text/tokenizer.ts';

/**
 * What {@link Engine.load} takes beside the model: how the engine is set up, and parts that the caller has
 * made.
 */
export interface LoadOptions extends EngineOptions {
  /** Turns tokens into text; needed for stop strings, and for the text of results. Default none. */
  tokenizer?: Pick<Tokenizer, 'createStream'>;
  /**
   * The engine owns the kernels from the call on, and releases them. Default: new SIMD kernels with
   * `threads` threads.
   */
  kernels?: Kernels;
}

/**
 * A Qwen3 model, ready to compute: token ids in, logits and tokens out. Requests of all callers share steps,
 * and each request gets the same bits as alone.
 */
export class Engine {
  readonly config: ModelConfig;
  readonly options: Readonly<ScheduleOptions>;
  readonly #kernels: Kernels;
  readonly #leader: Leader;
  readonly #runner: Runner;
  readonly #tokenizer: LoadOptions['tokenizer'];
  readonly #scratch: SamplingScratch;
  readonly #tracker = new RequestTracker();
  #coming: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(model: LoadedModel, tokenizer: LoadOptions['tokenizer']) {
    this.config = model.config;
    this.options = model.options;
    this.#kernels = model.kernels;
    this.#leader = model.leader;
    this.#runner = new Runner(model.rankModel, model.options, model.leader);
    this.#tokenizer = tokenizer;
    this.#scratch = createSamplingScratch(model.config.vocabSize);
  }

  /**
   * @param modelDir a model directory in HuggingFace's layout; tokenizer files are not needed.
   * @throws ConfigError, CheckpointError, KernelError as their readers do.
   * @throws ShardingError if the model's shape does not divide by the number of ranks.
   * @throws GroupError if the ranks do not start, have different models, or cannot load theirs.
   * @throws OptionError if an option has the wrong type or is out of range.
   */
  static async load(modelDir: string, options: LoadOptions = {}): Promise<Engine> {
    checkObject('options', options);
    const { kernels, tokenizer } = options;
    checkKernels(kernels);
    try {
      checkTokenizer(tokenizer);
      return new Engine(await loadModel(modelDir, options, kernels), tokenizer);
    } catch (error) {
      kernels?.dispose();
      throw error;
    }
  }

  /** Bytes of weights, cache and working memory of this rank. */
  get bytesAllocated(): number {
    return this.#kernels.bytesAllocated;
  }

  stats(): EngineStats {
    return this.#runner.stats();
  }

  /**
   * Computes the logits of a prompt, and on demand its hidden states.
   *
   * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or is too long for model or
   * cache.
   * @throws OptionError if an option has the wrong type, or a position is not one of the prompt's.
   * @throws EngineClosedError if the engine is closed.
   */
  forward(ids: readonly number[], options: ForwardOptions = {}): ForwardResult {
    this.#checkOpen();
    checkPrompt(ids, this.config);
    return this.#runner.forward(ids, completeForwardOptions(options, ids.length));
  }

  /**
   * Continues prompts, all together. Yields each token as it is sampled, and each sample's result. Lazy:
   * steps run only while the caller iterates. Breaking out of the loop cancels this call's requests.
   *
   * @param requests a list, or requests that come over time. A request that cannot be served yields an error
   * event.
   * @throws OptionError if `requests` cannot be iterated; EngineClosedError if the engine is closed; what
   * the source of the requests throws.
   */
  async *generate(
    requests: Iterable<GenerateRequest> | AsyncIterable<GenerateRequest>,
  ): AsyncGenerator<GenerateEvent, void> {
    const { maxBatch } = this.options;
    const stream = this.#tracker.createStream();
    const queue = new RequestQueue(requests, maxBatch);
    let index = 0;
    try {
      for (;;) {
        // Only as many requests as fill a step are taken from their source, which may be endless.
        while (stream.generations.size < maxBatch) {
          const next = queue.take();
          if (!next) break;
          this.#submit(next.request, index++, stream);
        }
        const event = stream.events.shift();
        if (event) yield event;
        else if (stream.generations.size > 0) {
          await this.#nextStep();
        } else if (queue.isEmpty) return;
        else await queue.wait();
      }
    } finally {
      for (const generation of stream.generations) {
        this.#tracker.remove(generation);
        this.#runner.remove(generation);
      }
      await queue.close();
    }
  }

  /**
   * Releases the memory and ends the threads and the other ranks. Every later use throws an
   * EngineClosedError.
   *
   * @throws GroupError if a rank has ended with an error that has not been thrown yet.
   */
  close(): Promise<void> {
    this.#kernels.dispose();
    this.#closing ??= this.#leader.close();
    return this.#closing;
  }

  #submit(request: GenerateRequest, index: number, stream: RequestStream): void {
    try {
      const [tokenizer, scratch, begun] = [this.#tokenizer, this.#scratch, performance.now()];
      const { config } = this;
      const hasTokenizer = tokenizer !== undefined;
      const params = checkRequest(request, { config, cacheTokens: this.#runner.cacheTokens, hasTokenizer });
      // A copy: callers may append the generated tokens to the array that holds the prompt.
      const ids = request.ids.slice();
      const context = { index, request, ids, params, tokenizer, scratch, begun, promptLogprobs: [] };
      this.#runner.add(this.#tracker.start(context, stream));
    } catch (error) {
      stream.events.push({ type: 'error', request: index, error: error as Error });
    }
  }

  /**
   * All callers wait for the same step: if each computed one in its turn, a caller would see its tokens, and
   * its signal be heeded, only once in as many steps as there are callers.
   */
  #nextStep(): Promise<void> {
    this.#coming ??= turn().then(() => {
      this.#coming = undefined;
      this.#step();
    });
    return this.#coming;
  }

  /** Computes one step of the requests of all callers. */
  #step(): void {
    this.#checkOpen();
    for (const generation of this.#tracker.aborted()) this.#finish(generation, 'abort');
    this.#tracker.pauseSlow();
    for (const { generation, event } of this.#runner.step((first) => this.#tracker.fork(first))) {
      if (event) this.#tracker.push(generation, event);
      if (generation.finishReason) this.#finish(generation, generation.finishReason);
    }
  }

  #finish(generation: Generation, finishReason: FinishReason): void {
    this.#tracker.finish(generation, finishReason);
    this.#runner.remove(generation);
  }

  #checkOpen(): void {
    if (this.#closing) throw new EngineClosedError();
  }
}

function checkKernels(kernels: unknown): void {
  if (kernels === undefined || (kernels instanceof Object && 'dispose' in kernels)) return;
  throw new OptionError('kernels', kernels, 'kernels, as createWasmKernels() returns them');
}

function checkTokenizer(tokenizer: LoadOptions['tokenizer']): void {
  if (tokenizer === undefined) return;
  checkObject('tokenizer', tokenizer);
  checkFunction('tokenizer.createStream', tokenizer.createStream);
}

/** Timers, signals, streams and other callers get their turn between two steps. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
