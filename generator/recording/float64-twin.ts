import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelConfig } from '../../engine/config.ts';
import type { GraphOptimization } from './reference.ts';

/** The reference's graph computed in float64, from which the reference's own error is measured. */
export class Float64Twin {
  readonly #session: InferenceSession;
  readonly #config: ModelConfig;

  private constructor(session: InferenceSession, config: ModelConfig) {
    this.#session = session;
    this.#config = config;
  }

  /** @param path of the graph, as `writeOnnxGraph` returned it for `float64`. */
  static async load(
    path: string,
    config: ModelConfig,
    optimization: GraphOptimization = 'basic',
  ): Promise<Float64Twin> {
    const session = await InferenceSession.create(path, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: optimization,
    });
    return new Float64Twin(session, config);
  }

  /**
   * @param rows number of last positions whose logits are returned.
   * @param isWanted selects the returned stages. Default all, which takes gigabytes for a long prompt and a
   * large model.
   * @returns logits f64 [rows, vocabSize], and the stages, f64 [T, …].
   */
  async forward(
    ids: readonly number[],
    rows: number = ids.length,
    isWanted: (stage: string) => boolean = () => true,
  ): Promise<{ logits: Float64Array; stages: Map<string, Float64Array> }> {
    const { numHiddenLayers, numKeyValueHeads, headDim } = this.#config;
    const shape = [1, ids.length];
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
      position_ids: new Tensor('int64', BigInt64Array.from(ids.keys(), BigInt), shape),
      num_logits_to_keep: new Tensor('int64', [BigInt(rows)], []),
    };
    for (let layer = 0; layer < numHiddenLayers; layer++) {
      for (const part of ['key', 'value']) {
        const empty = new Tensor('float64', new Float64Array(0), [1, numKeyValueHeads, 0, headDim]);
        feeds[`past_key_values.${layer}.${part}`] = empty;
      }
    }
    const names = this.#session.outputNames.filter((name) => !/^(present\.|logits$)/.test(name));
    const wanted = ['logits', ...names.filter(isWanted)];
    const outputs = await this.#session.run(feeds, wanted);
    const stages = new Map<string, Float64Array>();
    for (const name of wanted) {
      if (name !== 'logits') stages.set(name, Float64Array.from(outputs[name].data as Float64Array));
    }
    const logits = Float64Array.from(outputs.logits.data as Float64Array);
    for (const tensor of Object.values(outputs)) tensor.dispose();
    return { logits, stages };
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}
