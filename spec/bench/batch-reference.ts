import { AutoModelForCausalLM, type PreTrainedModel, Tensor } from '@huggingface/transformers';

/** transformers.js on several prompts at once, as a bench needs it and a golden does not. */
export interface BatchReference {
  /** Continues prompts of the same length greedily. */
  generate(prompts: readonly (readonly number[])[], maxNewTokens: number): Promise<void>;
  dispose(): Promise<unknown>;
}

export async function loadBatchReference(modelDir: string): Promise<BatchReference> {
  const model: PreTrainedModel = await AutoModelForCausalLM.from_pretrained(modelDir, {
    dtype: 'fp32',
    device: 'cpu',
    local_files_only: true,
    session_options: { intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'basic' },
  });
  return {
    async generate(prompts, maxNewTokens) {
      const shape = [prompts.length, prompts[0].length];
      await model.generate({
        input_ids: new Tensor('int64', BigInt64Array.from(prompts.flat(), BigInt), shape),
        attention_mask: new Tensor('int64', new BigInt64Array(shape[0] * shape[1]).fill(1n), shape),
        do_sample: false,
        eos_token_id: [],
        max_new_tokens: maxNewTokens,
      } as Parameters<PreTrainedModel['generate']>[0]);
    },
    dispose: () => model.dispose(),
  };
}
