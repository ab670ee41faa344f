import {
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  type GenerationConfig,
  LogitsProcessor,
  LogitsProcessorList,
  LogLevel,
  type PreTrainedModel,
  type PreTrainedTokenizer,
  Tensor,
} from '@huggingface/transformers';
import { CheckpointError, TokenizerError } from '../../engine/errors.ts';

// Errors are thrown or recorded, so nothing needs to be printed.
env.logLevel = LogLevel.NONE;
env.allowRemoteModels = false;

/** Which of a model directory's graphs transformers.js runs, and how. */
export interface ReferenceOptions {
  /** Default `fp32`; `q8` takes `onnx/model_quantized.onnx`. */
  dtype?: 'fp32' | 'q8';
  /** Name of the graph in `onnx/`, without its ending. Default `model`. */
  fileName?: string;
  /** See {@link GraphOptimization}. Default `basic`. */
  optimization?: GraphOptimization;
}

/**
 * How ONNX Runtime optimises a graph when it is loaded. `basic` widens all weights once and keeps both
 * copies; `disabled` leaves them in their file and widens each in every run: a third of the memory, a quick
 * start, slow decode.
 */
export type GraphOptimization = 'basic' | 'disabled';

/** The result of a forward pass of the reference. */
export interface ReferenceForward {
  /** f32 [rows, vocabSize], of the last rows of the prompt. */
  logits: Float32Array;
  /** The graph's further outputs, f32 [T, …], by name; none if the graph has none. */
  stages: Map<string, Float32Array>;
}

/** HuggingFace's transformers.js (ONNX Runtime underneath) on the CPU, in one thread. */
export class Reference {
  readonly #model: PreTrainedModel;

  private constructor(model: PreTrainedModel) {
    this.#model = model;
  }

  /**
   * @param modelDir a directory in transformers.js's layout: config.json and `onnx/`. Nothing is fetched.
   * @throws CheckpointError if transformers.js cannot load it.
   */
  static async load(modelDir: string, options: ReferenceOptions = {}): Promise<Reference> {
    const model = await AutoModelForCausalLM.from_pretrained(modelDir, {
      dtype: options.dtype ?? 'fp32',
      device: 'cpu',
      local_files_only: true,
      ...(options.fileName ? { model_file_name: options.fileName } : {}),
      // With one thread and few optimisations, results repeat to the last bit on one machine.
      session_options: {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        graphOptimizationLevel: options.optimization ?? 'basic',
      },
    }).catch((cause: Error) => {
      throw new CheckpointError(`${modelDir}: transformers.js cannot load it: ${cause.message}`, { cause });
    });
    return new Reference(model);
  }

  /**
   * @param rows number of last positions whose logits are returned; a graph without `num_logits_to_keep`
   * computes all.
   */
  async forward(ids: readonly number[], rows: number = ids.length): Promise<ReferenceForward> {
    const outputs: Record<string, Tensor> = await this.#model({
      ...prompt(ids),
      num_logits_to_keep: new Tensor('int64', [BigInt(rows)], []),
    });
    const stages = new Map<string, Float32Array>();
    for (const [name, tensor] of Object.entries(outputs)) {
      if (/^(hidden_states|layers)\./.test(name))
        stages.set(name, Float32Array.from(tensor.data as Float32Array));
    }
    const all = outputs.logits.data as Float32Array;
    const logits = all.slice(all.length - rows * outputs.logits.dims[2]);
    for (const tensor of Object.values(outputs)) tensor.dispose();
    return { logits, stages };
  }

  /**
   * Greedy generation by transformers.js's own `generate`, not ended by any token.
   *
   * @returns the tokens, and for each the logits that it was chosen from, f32 [vocabSize].
   * @throws Error of transformers.js, e.g. for an empty prompt.
   */
  async generate(
    ids: readonly number[],
    maxNewTokens: number,
    onToken?: () => void,
  ): Promise<{ tokens: number[]; logits: Float32Array[] }> {
    const recorder = new LogitsRecorder(onToken);
    const processors = new LogitsProcessorList();
    processors.push(recorder);
    const output = (await this.#model.generate({
      ...prompt(ids),
      do_sample: false,
      eos_token_id: null as unknown as undefined,
      max_new_tokens: maxNewTokens,
      logits_processor: processors,
    } as Partial<GenerationConfig>)) as Tensor;
    const tokens = Array.from(output.data as BigInt64Array, Number).slice(ids.length);
    return { tokens, logits: recorder.logits };
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
  }
}

/**
 * The reference's tokenizer and chat template.
 *
 * @throws TokenizerError if transformers.js cannot load them.
 */
export async function loadReferenceTokenizer(modelDir: string): Promise<PreTrainedTokenizer> {
  return await AutoTokenizer.from_pretrained(modelDir, { local_files_only: true }).catch((cause: Error) => {
    throw new TokenizerError(`${modelDir}: transformers.js cannot load its tokenizer: ${cause.message}`, {
      cause,
    });
  });
}

/** Copies the logits of every step of `generate` and returns them unchanged. */
class LogitsRecorder extends LogitsProcessor {
  readonly logits: Float32Array[] = [];
  readonly #onToken: (() => void) | undefined;

  constructor(onToken?: () => void) {
    super();
    this.#onToken = onToken;
  }

  override _call(_ids: bigint[][], logits: Tensor): Tensor {
    this.logits.push(Float32Array.from(logits.data as Float32Array));
    this.#onToken?.();
    return logits;
  }
}

function prompt(ids: readonly number[]): { input_ids: Tensor; attention_mask: Tensor } {
  const shape = [1, ids.length];
  return {
    input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
  };
}
