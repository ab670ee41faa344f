import { type ModelConfig, readModelConfig } from './config.ts';
import { KernelError, PromptError } from './errors.ts';
import { Fingerprint } from './fingerprint.ts';
import type { Kernels } from './kernels/kernels.ts';
import { createWasmKernels } from './kernels/wasm.ts';
import { HiddenStates } from './model/hidden-states.ts';
import { KvCache } from './model/kv-cache.ts';
import { HEAD_ROWS, Qwen3 } from './model/qwen3.ts';
import type { Observer } from './model/step.ts';
import { checkPrompt } from './prompt.ts';
import type {
  Delta,
  EngineOptions,
  FinishReason,
  ForwardOptions,
  ForwardResult,
  GenerateRequest,
  GenerateResult,
} from './requests.ts';
import { BlockPool } from './serving/block-pool.ts';
import { argmax } from './serving/sampler.ts';

/** Consecutive positions of a sequence, computed: their hidden states, f32 [count, hiddenSize], lent. */
interface Computed {
  first: number;
  count: number;
  states: Float32Array;
}

/** A Qwen3 model, ready to compute: token ids in, logits and tokens out. Generations may take turns. */
export class Engine {
  readonly config: ModelConfig;
  readonly options: Readonly<Required<Omit<EngineOptions, 'kernels' | 'onProgress'>>>;
  readonly #kernels: Kernels;
  readonly #model: Qwen3;
  readonly #blocks: BlockPool;
  #closed = false;

  private constructor(
    config: ModelConfig,
    options: Engine['options'],
    kernels: Kernels,
    model: Qwen3,
    blocks: BlockPool,
  ) {
    this.config = config;
    this.options = options;
    this.#kernels = kernels;
    this.#model = model;
    this.#blocks = blocks;
  }

  /**
   * @param modelDir a model directory in HuggingFace's layout; tokenizer files are not needed.
   * @throws ConfigError, CheckpointError, KernelError as their readers do.
   * @throws RangeError if an option is not a positive whole number.
   */
  static async load(modelDir: string, options: EngineOptions = {}): Promise<Engine> {
    const kernels = options.kernels ?? (await createWasmKernels());
    try {
      const config = await readModelConfig(modelDir);
      const {
        cacheTokens = Math.min(config.maxPositionEmbeddings, 4096),
        blockSize = 16,
        prefillChunk = 128,
      } = options;
      checkOptions({ cacheTokens, blockSize, prefillChunk });
      const numBlocks = Math.ceil(cacheTokens / blockSize);
      const cache = new KvCache(kernels, config, { blockSize, numBlocks });
      const model = Qwen3.load(modelDir, config, kernels, cache, {
        maxRows: Math.min(prefillChunk, cacheTokens),
        onProgress: options.onProgress,
      });
      return new Engine(
        config,
        { cacheTokens, blockSize, prefillChunk },
        kernels,
        model,
        new BlockPool(numBlocks),
      );
    } catch (error) {
      kernels.dispose();
      throw error;
    }
  }

  /** Bytes of weights, cache and working memory together. */
  get bytesAllocated(): number {
    return this.#kernels.bytesAllocated;
  }

  /**
   * The logits of a prompt, and its hidden states if asked for.
   *
   * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or is too long, or a position is
   * not one of the prompt's.
   */
  forward(ids: readonly number[], options: ForwardOptions = {}): ForwardResult {
    const { positions = [...ids.keys()], observe } = options;
    checkPrompt(ids, this.config);
    checkPositions(positions, ids.length);
    const blockTable = this.#reserve(ids, 0);
    const { vocabSize } = this.config;
    const logits = new Float32Array(positions.length * vocabSize);
    const hidden = options.hidden ? new HiddenStates(this.config, ids.length) : undefined;
    try {
      let written = 0;
      for (const { first, count, states } of this.#prefill(ids, blockTable, (stage, values) => {
        hidden?.add(stage, values);
        observe?.(stage, values);
      })) {
        const rows = positions.flatMap((p) => (p >= first && p < first + count ? [p - first] : []));
        for (let i = 0; i < rows.length; i += HEAD_ROWS) {
          const some = rows.slice(i, i + HEAD_ROWS);
          logits.set(this.#model.logits(states, some), written * vocabSize);
          written += some.length;
        }
      }
      return { logits, hidden: hidden?.values };
    } finally {
      this.#blocks.free(blockTable);
    }
  }

  /**
   * Continues a prompt greedily; yields each token as it is chosen.
   *
   * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or is too long with its continuation,
   * or `maxNewTokens` is not a whole number.
   */
  async *generate(request: GenerateRequest): AsyncGenerator<Delta, GenerateResult> {
    const { maxNewTokens, ignoreEos = false, signal } = request;
    // A copy: whoever reads the tokens may well append them to the array the prompt came in.
    const ids = request.ids.slice();
    if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
      throw new PromptError(`maxNewTokens is ${maxNewTokens}; expected a whole number, 0 or more`);
    }
    checkPrompt(ids, this.config, maxNewTokens);
    const blockTable = this.#reserve(ids, maxNewTokens);
    try {
      const fingerprint = new Fingerprint();
      const tokens: number[] = [];
      const stopIds = new Set(ignoreEos ? [] : this.config.eosTokenIds);
      let finishReason: FinishReason = 'length';
      await turn();
      const begin = performance.now();
      let next: Computed = { first: 0, count: 0, states: new Float32Array() };
      for (next of this.#prefill(ids, blockTable)) {
        // No turn after the last chunk: whoever computes in that turn overwrites its states.
        if (next.first + next.count === ids.length) break;
        await turn();
        if (signal?.aborted) finishReason = 'abort';
        if (finishReason === 'abort') break;
      }
      const prefilled = performance.now();
      while (finishReason === 'length' && tokens.length < maxNewTokens) {
        const logits = this.#model.logits(next.states, [next.count - 1]);
        fingerprint.add(logits);
        const token = argmax(logits);
        tokens.push(token);
        yield { token, logits };
        if (stopIds.has(token)) finishReason = 'stop';
        else if (signal?.aborted) finishReason = 'abort';
        if (finishReason !== 'length' || tokens.length === maxNewTokens) break;
        await turn();
        next = this.#compute([token], ids.length + tokens.length - 1, blockTable);
      }
      return {
        promptTokens: ids.length,
        tokens,
        finishReason,
        fingerprint: fingerprint.digest(),
        timing: { prefillMs: prefilled - begin, decodeMs: performance.now() - prefilled },
      };
    } finally {
      this.#blocks.free(blockTable);
    }
  }

  /** Releases the memory. Whoever uses the engine afterwards gets a KernelError. */
  close(): void {
    this.#closed = true;
    this.#kernels.dispose();
  }

  /** Computes a prompt chunk by chunk. */
  *#prefill(ids: readonly number[], blockTable: Int32Array, observe?: Observer): Generator<Computed> {
    for (let first = 0; first < ids.length; first += this.#model.maxRows) {
      yield this.#compute(ids.slice(first, first + this.#model.maxRows), first, blockTable, observe);
    }
  }

  #compute(ids: readonly number[], first: number, blockTable: Int32Array, observe?: Observer): Computed {
    if (this.#closed) throw new KernelError('the engine was closed, and its memory with it; load it again');
    const states = this.#model.forward([{ ids, startPosition: first, blockTable }], observe);
    return { first, count: ids.length, states };
  }

  /** Takes blocks for all positions of a prompt and its continuation. */
  #reserve(ids: readonly number[], maxNewTokens: number): Int32Array {
    const { blockSize } = this.options;
    const blockTable = this.#blocks.allocate(Math.ceil((ids.length + maxNewTokens) / blockSize));
    if (blockTable) return blockTable;
    throw new PromptError(
      `prompt and continuation take ${ids.length + maxNewTokens} positions (${ids.length} of the prompt); the cache has ` +
        `${this.#blocks.numFreeBlocks * blockSize} left: raise cacheTokens`,
    );
  }
}

function checkOptions(options: Engine['options']): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name} is ${value}; expected a whole number, 1 or more`);
    }
  }
}

function checkPositions(positions: readonly number[], length: number): void {
  positions.forEach((position, i) => {
    if (!Number.isInteger(position) || position >= length || position <= (i === 0 ? -1 : positions[i - 1])) {
      throw new PromptError(
        `position ${position} was asked for; expected ascending whole numbers from 0 to ${length - 1}`,
      );
    }
  });
}

/** Timers, signals, streams and other generations get their turn between two steps. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
