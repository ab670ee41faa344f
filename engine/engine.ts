import type { ModelConfig } from './config.ts';
import type { Leader } from './distributed/leader.ts';
import {
  checkKernels,
  checkTokenizer,
  LOAD_OPTIONS,
  type LoadedModel,
  type LoadOptions,
  loadModel,
} from './distributed/load-model.ts';
import { EngineBusyError, EngineClosedError, show } from './errors.ts';
import type { Kernels } from './kernels/kernels.ts';
import { checkNames, checkObject, type ScheduleOptions } from './options.ts';
import { type RequestFailure, Runner, type StepOutput } from './runner.ts';
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
  /** What has ended a step that the requests of all callers shared. */
  #failure: { error: unknown } | undefined;

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
   * @throws OptionError if an option is unknown, has the wrong type or is out of range.
   */
  static async load(modelDir: string, options: LoadOptions = {}): Promise<Engine> {
    checkObject('options', options);
    const { kernels, tokenizer } = options;
    checkKernels(kernels);
    try {
      checkNames('options', options, LOAD_OPTIONS);
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
   * @throws OptionError if an option is unknown or has the wrong type, or a position is not one of the
   * prompt's.
   * @throws NonFiniteError if the logits have NaN or infinity; what the observer throws.
   * @throws EngineBusyError if an observer or a tokenizer calls it.
   * @throws EngineClosedError if the engine is closed.
   */
  forward(ids: readonly number[], options: ForwardOptions = {}): ForwardResult {
    this.#checkReady('forward()');
    const prompt = checkPrompt(ids, this.config);
    return this.#runner.forward(prompt, completeForwardOptions(options, prompt.length));
  }

  /**
   * Continues prompts, all together. Yields each token as it is sampled, and each sample's result. Lazy:
   * steps run only while the caller iterates. Breaking out of the loop cancels this call's requests.
   *
   * @param requests a list, or requests that come over time. Each is copied when it is taken. One that cannot
   * be served, or that fails on its way (its signal or the tokenizer throws, the model computes NaN), yields
   * an error event; the others are not affected.
   * @throws OptionError if `requests` cannot be iterated; EngineClosedError if the engine is closed; what
   * the source of the requests throws; GroupError or KernelError if a step fails, for all callers.
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
   * @throws EngineBusyError if an observer or a tokenizer calls it.
   */
  async close(): Promise<void> {
    if (this.#runner.isComputing) throw new EngineBusyError('close()');
    this.#kernels.dispose();
    this.#closing ??= this.#leader.close();
    return this.#closing;
  }

  /**
   * Looks whether the other ranks still run, without a step: they are not asked while no request is served.
   * If mpirun has started the ranks, this finds nothing: the next step does, or mpirun ends all ranks.
   *
   * @throws GroupError if a rank has ended; every later use throws it too.
   * @throws EngineClosedError if the engine is closed.
   */
  checkRanks(): void {
    this.#checkReady('checkRanks()');
    try {
      this.#leader.checkRanks();
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  #submit(request: GenerateRequest, index: number, stream: RequestStream): void {
    try {
      const [tokenizer, scratch, begun] = [this.#tokenizer, this.#scratch, performance.now()];
      const { config } = this;
      const hasTokenizer = tokenizer !== undefined;
      const checked = checkRequest(request, { config, cacheTokens: this.#runner.cacheTokens, hasTokenizer });
      const { promptLookup } = this.options;
      const context = { index, ...checked, tokenizer, scratch, promptLookup, begun, promptLogprobs: [] };
      this.#runner.add(this.#tracker.start(context, stream));
    } catch (error) {
      stream.events.push({ type: 'error', request: index, error: asError(error) });
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
    this.#checkReady('a step of generate()');
    this.#endAborted();
    this.#tracker.pauseSlow();
    for (const { generation, events, failure } of this.#computeStep()) {
      // Another sample of its request has failed in this step.
      if (!this.#tracker.has(generation)) continue;
      for (const event of events) this.#tracker.push(generation, event);
      if (failure) this.#fail(generation, failure);
      else if (generation.finishReason) this.#finish(generation, generation.finishReason);
    }
  }

  #computeStep(): StepOutput[] {
    try {
      return this.#runner.step((first) => this.#tracker.fork(first));
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  #endAborted(): void {
    for (const generation of this.#tracker.generations) {
      const { signal } = generation.context;
      if (!signal || !this.#tracker.has(generation)) continue;
      try {
        if (!signal.aborted) continue;
      } catch (thrown) {
        this.#fail(generation, { thrown });
        continue;
      }
      this.#finish(generation, 'abort');
    }
  }

  #finish(generation: Generation, finishReason: FinishReason): void {
    try {
      this.#tracker.finish(generation, finishReason);
      this.#runner.remove(generation);
    } catch (thrown) {
      this.#fail(generation, { thrown });
    }
  }

  /** Ends a request with an error, all its samples. */
  #fail(generation: Generation, failure: RequestFailure): void {
    const samples = this.#tracker.samplesOf(generation);
    for (const sample of samples) this.#runner.remove(sample);
    const { index } = generation.context;
    // After its blocks are free: the place of NaN is found by computing the request once more.
    this.#tracker.push(generation, {
      type: 'error',
      request: index,
      error: this.#errorOf(generation, failure),
    });
    for (const sample of samples) this.#tracker.remove(sample);
  }

  #errorOf({ sequence }: Generation, failure: RequestFailure): Error {
    if ('thrown' in failure) return asError(failure.thrown);
    return this.#runner.nonFiniteError(sequence.tokens.slice(0, failure.nonFiniteAt + 1));
  }

  #checkReady(call: string): void {
    if (this.#closing) throw new EngineClosedError();
    if (this.#runner.isComputing) throw new EngineBusyError(call);
    if (this.#failure) throw this.#failure.error;
  }
}

/** What a caller's function has thrown may be any value. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(show(thrown), { cause: thrown });
}

/** Timers, signals, streams and other callers get their turn between two steps. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
