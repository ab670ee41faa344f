import { type ModelConfig, readModelConfig } from './config.ts';
import { Ranks } from './distributed/leader.ts';
import { openGroup, shareOfThreads } from './distributed/open-group.ts';
import { loadRankModel, type RankSetup, serveRank, tellSetup } from './distributed/rank-model.ts';
import { KernelError, PromptError } from './errors.ts';
import type { Kernels } from './kernels/kernels.ts';
import { createWasmKernels } from './kernels/wasm.ts';
import { checkLoadable } from './model/preflight.ts';
import { checkShardable } from './model/shardable.ts';
import { completeEngineOptions, type ScheduleOptions } from './options.ts';
import type { ProcessGroup } from './parallel/process-group.ts';
import { Runner } from './runner.ts';
import { Generation } from './serving/generation.ts';
import { checkPositions, checkPrompt } from './serving/prompt.ts';
import { RequestQueue } from './serving/request-queue.ts';
import type {
  EngineOptions,
  EngineStats,
  FinishReason,
  ForwardOptions,
  ForwardResult,
  GenerateEvent,
  GenerateRequest,
} from './serving/requests.ts';
import { createSamplingScratch, type SamplingScratch } from './serving/sampler.ts';
import { completeSamplingParams } from './serving/sampling-params.ts';

/** Events that wait for a slow consumer, at most; beyond them its sequences pause. */
const MAX_QUEUED_EVENTS = 256;

/** One caller of {@link Engine.generate}: what it has not taken yet, and what is still on its way. */
interface Call {
  readonly events: GenerateEvent[];
  readonly generations: Set<Generation>;
}

/**
 * A Qwen3 model, ready to compute: token ids in, logits and tokens out. The requests of all callers are computed
 * together, and each has the bits that it would have alone.
 */
export class Engine {
  readonly config: ModelConfig;
  readonly options: Readonly<ScheduleOptions>;
  readonly #kernels: Kernels;
  readonly #ranks: Ranks;
  readonly #runner: Runner;
  readonly #tokenizer: EngineOptions['tokenizer'];
  readonly #scratch: SamplingScratch;
  /** Who is told what became of a generation. */
  readonly #callOf = new Map<Generation, Call>();
  #numSequences = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    config: ModelConfig,
    options: Readonly<ScheduleOptions>,
    kernels: Kernels,
    ranks: Ranks,
    runner: Runner,
    tokenizer: EngineOptions['tokenizer'],
  ) {
    this.config = config;
    this.options = options;
    this.#kernels = kernels;
    this.#ranks = ranks;
    this.#runner = runner;
    this.#tokenizer = tokenizer;
    this.#scratch = createSamplingScratch(config.vocabSize);
  }

  /**
   * @param modelDir a model directory in HuggingFace's layout; tokenizer files are not needed.
   * @throws ConfigError, CheckpointError, KernelError as their readers do.
   * @throws ShardingError if the model cannot be spread over so many ranks.
   * @throws GroupError if the ranks do not start, have different models, or cannot load theirs.
   * @throws RangeError if an option is not a positive whole number.
   */
  static async load(modelDir: string, options: EngineOptions = {}): Promise<Engine> {
    const { tp = 1, ep = 1, backend, groupTimeoutMs, onProgress, tokenizer } = options;
    const size = Math.max(tp, ep);
    const { threads = shareOfThreads({ size, backend }), revectorize = false } = options;
    const check = async () => {
      const config = await readModelConfig(modelDir);
      const complete = completeEngineOptions(options, config);
      checkShardable(config, { tp, ep });
      checkLoadable(modelDir, config, complete.cacheTokens, size);
      return { config, complete };
    };
    let kernels = options.kernels;
    let ranks: Ranks | undefined;
    try {
      const groupOptions = { size, backend, timeoutMs: groupTimeoutMs };
      const { group, checked } = await openGroup(modelDir, groupOptions, check);
      if (group.rank > 0) {
        kernels?.dispose();
        return await serveAndExit(group, modelDir, threads);
      }
      ranks = new Ranks(group);
      const { config, complete } = checked;
      kernels ??= await createWasmKernels({ threads, revectorize });
      const setup: RankSetup = { ...complete, tp, ep, threads, revectorize };
      if (size > 1) tellSetup(group, setup);
      const { model, cache } = loadRankModel(group, modelDir, config, kernels, { ...setup, onProgress });
      const runner = new Runner(model, cache, complete, ranks);
      return new Engine(config, complete, kernels, ranks, runner, tokenizer);
    } catch (error) {
      kernels?.dispose();
      ranks?.fail(error);
      // Whatever the others say of it: this is where it began.
      await ranks?.close().catch(() => {});
      throw error;
    }
  }

  /** Bytes of weights, cache and working memory together, of this rank. */
  get bytesAllocated(): number {
    return this.#kernels.bytesAllocated;
  }

  stats(): EngineStats {
    return this.#runner.stats();
  }

  /**
   * The logits of a prompt, and its hidden states if asked for.
   *
   * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or is too long, or a position is
   * not one of the prompt's.
   */
  forward(ids: readonly number[], options: ForwardOptions = {}): ForwardResult {
    const { positions = [...ids.keys()] } = options;
    this.#checkOpen();
    checkPrompt(ids, this.config);
    checkPositions(positions, ids.length);
    return this.#runner.forward(ids, positions, options);
  }

  /**
   * Continues prompts, all together; yields each token as it is chosen and each sample's result. Nothing is computed
   * while nobody asks for the next event. Whoever stops asking ends what is on its way.
   *
   * @param requests a list, or requests that come over time. One that cannot be served yields an error event.
   * @throws KernelError if the engine is closed; whatever the source of the requests throws.
   */
  async *generate(
    requests: Iterable<GenerateRequest> | AsyncIterable<GenerateRequest>,
  ): AsyncGenerator<GenerateEvent, void> {
    const call: Call = { events: [], generations: new Set() };
    const queue = new RequestQueue(requests, this.options.maxBatch);
    let index = 0;
    try {
      for (;;) {
        // As many as fill a step: the others wait at their source, which may have any number of them.
        while (call.generations.size < this.options.maxBatch) {
          const next = queue.take();
          if (!next) break;
          this.#submit(next, index++, call);
        }
        const event = call.events.shift();
        if (event) yield event;
        else if (call.generations.size > 0) {
          await turn();
          this.#step();
        } else if (queue.isEmpty) return;
        else await queue.wait();
      }
    } finally {
      for (const generation of call.generations) this.#drop(generation);
      await queue.close();
    }
  }

  /**
   * Releases the memory and ends the threads and the other ranks. Whoever uses the engine afterwards gets a KernelError.
   *
   * @throws GroupError if a rank has ended badly and nothing has said so yet.
   */
  close(): Promise<void> {
    this.#kernels.dispose();
    this.#closing ??= this.#ranks.close();
    return this.#closing;
  }

  #submit(request: GenerateRequest, index: number, call: Call): void {
    try {
      const params = completeSamplingParams(request, this.config);
      // A copy: whoever reads the tokens may well append them to the array the prompt came in.
      const ids = request.ids.slice();
      checkPrompt(ids, this.config, request.maxNewTokens);
      if (params.stop.length > 0 && !this.#tokenizer) {
        throw new PromptError('stop strings need text; give the engine a tokenizer');
      }
      if (!this.#runner.fits(ids.length + request.maxNewTokens)) {
        throw new PromptError(
          `prompt and continuation take ${ids.length + request.maxNewTokens} positions (${ids.length} of the prompt); ` +
            `the cache has ${this.options.cacheTokens}: raise cacheTokens`,
        );
      }
      const [tokenizer, scratch, begun] = [this.#tokenizer, this.#scratch, performance.now()];
      const context = { index, request, ids, params, tokenizer, scratch, begun, promptLogprobs: [] };
      const generation = new Generation(context, this.#numSequences++, 0);
      this.#runner.add(generation);
      this.#follow(generation, call);
    } catch (error) {
      call.events.push({ type: 'error', request: index, error: error as Error });
    }
  }

  /** One step of everybody's requests. */
  #step(): void {
    this.#checkOpen();
    for (const [generation, call] of this.#callOf) {
      if (generation.context.request.signal?.aborted) this.#end(generation, 'abort');
      else generation.sequence.paused = call.events.length >= MAX_QUEUED_EVENTS;
    }
    for (const { generation, event } of this.#runner.step((first) => this.#fork(first))) {
      if (event) this.#callOf.get(generation)!.events.push(event);
      if (generation.finishReason) this.#end(generation, generation.finishReason);
    }
  }

  /** The samples of a request beside the first. */
  #fork(first: Generation): Generation[] {
    const { context } = first;
    const call = this.#callOf.get(first)!;
    return Array.from({ length: context.params.n - 1 }, (_, i) => {
      const generation = new Generation(context, this.#numSequences++, i + 1);
      this.#follow(generation, call);
      return generation;
    });
  }

  #follow(generation: Generation, call: Call): void {
    call.generations.add(generation);
    this.#callOf.set(generation, call);
  }

  #end(generation: Generation, finishReason: FinishReason): void {
    const { events } = this.#callOf.get(generation)!;
    this.#drop(generation);
    const { context, sample } = generation;
    events.push({ type: 'result', request: context.index, sample, result: generation.result(finishReason) });
  }

  #drop(generation: Generation): void {
    this.#callOf.get(generation)!.generations.delete(generation);
    this.#callOf.delete(generation);
    this.#runner.remove(generation);
  }

  #checkOpen(): void {
    if (this.#closing) throw new KernelError('the engine was closed, and its memory with it; load it again');
  }
}

/** What loading an engine is on the other ranks that mpirun has started: they serve rank 0, and end with it. */
async function serveAndExit(group: ProcessGroup, modelDir: string, threads: number): Promise<never> {
  await serveRank(group, modelDir, threads);
  await group.close();
  process.exit(0);
}

/** Timers, signals, streams and other callers get their turn between two steps. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
