import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AutoModelForCausalLM,
  env,
  LogitsProcessor,
  LogitsProcessorList,
  LogLevel,
  type PreTrainedModel,
  Tensor,
} from '@huggingface/transformers';
import { type LoadPeer, PeerUnavailable } from './peer.ts';

/** transformers.js on onnxruntime-node, in f32, with all of ONNX Runtime's optimisations. */
export const load: LoadPeer = async ({ modelDir, threads }) => {
  if (!existsSync(join(modelDir, 'onnx', 'model.onnx'))) {
    throw new PeerUnavailable(`${modelDir} has no onnx/model.onnx to run`);
  }
  env.logLevel = LogLevel.NONE;
  env.allowRemoteModels = false;
  const model: PreTrainedModel = await AutoModelForCausalLM.from_pretrained(modelDir, {
    dtype: 'fp32',
    device: 'cpu',
    local_files_only: true,
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' },
  });
  return {
    version: env.version,
    // It has no continuous batching: who comes later waits.
    maxConcurrent: 1,
    async generate(prompts, maxNewTokens, onToken) {
      const processors = new LogitsProcessorList();
      processors.push(new StepListener(() => prompts.forEach((_, prompt) => void onToken(prompt))));
      const shape = [prompts.length, prompts[0].length];
      const output = (await model.generate({
        input_ids: new Tensor('int64', BigInt64Array.from(prompts.flat(), BigInt), shape),
        attention_mask: new Tensor('int64', new BigInt64Array(shape[0] * shape[1]).fill(1n), shape),
        do_sample: false,
        eos_token_id: [],
        max_new_tokens: maxNewTokens,
        logits_processor: processors,
      } as Parameters<PreTrainedModel['generate']>[0])) as Tensor;
      const all = Array.from(output.data as BigInt64Array, Number);
      const length = all.length / prompts.length;
      return prompts.map((ids, i) => all.slice(i * length + ids.length, (i + 1) * length));
    },
    async close() {
      await model.dispose();
    },
  };
};

/** Is called with the logits of every step, and leaves them alone. */
class StepListener extends LogitsProcessor {
  readonly #onStep: () => void;

  constructor(onStep: () => void) {
    super();
    this.#onStep = onStep;
  }

  override _call(_ids: bigint[][], logits: Tensor): Tensor {
    this.#onStep();
    return logits;
  }
}
