import type { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import type { ModelConfig, MoeConfig } from '../../../engine/config.ts';
import { expertWidth } from './architecture.ts';
import { encodeWeights, GGML_TYPES, type GgmlType } from './encode.ts';
import { type Rows, stacked, storedRows, zeroPadded, zeros } from './rows.ts';
import type { GgufTensor } from './writer.ts';

/** The types that a model is written in. */
export const GGUF_WEIGHT_TYPES = ['bf16', 'f32', 'q8_0'] as const;
export type GgufWeightType = (typeof GGUF_WEIGHT_TYPES)[number];

/** llama.cpp's names of what every layer has, by HuggingFace's. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
};
const MLP_NAMES = { gate_proj: 'ffn_gate', up_proj: 'ffn_up', down_proj: 'ffn_down' } as const;
type MlpPart = keyof typeof MLP_NAMES;
const MLP_PARTS = Object.keys(MLP_NAMES) as MlpPart[];

/**
 * All weights of a model by llama.cpp's names. Norms and routers are f32, as llama.cpp wants them; matrices
 * whose rows are not whole blocks of `q8_0` are f16, as llama.cpp's own converter writes them.
 *
 * The experts of a layer are stacked. llama.cpp has no dense layers in a mixture: such a layer is written
 * as experts that are all the same, with a router of zeros, so that the weights of the chosen ones add up
 * to 1; experts that are narrower than it get columns of zeros. Both change no value.
 *
 * @param checkpoint one that has passed `checkWeights`.
 * @param type default: as each weight is stored.
 */
export function qwen3Tensors(
  checkpoint: Checkpoint,
  config: ModelConfig,
  type?: GgufWeightType,
): GgufTensor[] {
  const rows = (name: string) => storedRows(checkpoint.get(`${name}.weight`), `${name}.weight`);
  const tensors = [ggufTensor('token_embd', rows('model.embed_tokens'), type)];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const prefix = `model.layers.${layer}`;
    const named: [name: string, rows: Rows][] = [
      ...Object.entries(LAYER_NAMES).map(([name, to]): [string, Rows] => [to, rows(`${prefix}.${name}`)]),
      ...(config.moe
        ? mixtureRows(config, config.moe, layer, rows)
        : MLP_PARTS.map((part): [string, Rows] => [MLP_NAMES[part], rows(`${prefix}.mlp.${part}`)])),
    ];
    tensors.push(...named.map(([name, each]) => ggufTensor(`blk.${layer}.${name}`, each, type)));
  }
  tensors.push(ggufTensor('output_norm', rows('model.norm'), type));
  if (!config.tieWordEmbeddings) tensors.push(ggufTensor('output', rows('lm_head'), type));
  return tensors;
}

const ROUTER = 'ffn_gate_inp';

/** Router and stacked experts of a layer. */
function mixtureRows(
  config: ModelConfig,
  moe: MoeConfig,
  layer: number,
  rows: (name: string) => Rows,
): [name: string, rows: Rows][] {
  const { hiddenSize } = config;
  const prefix = `model.layers.${layer}.mlp`;
  const width = expertWidth(config, moe);
  const isSparse = moe.sparseLayers[layer];
  const ofExpert = (part: MlpPart, expert: number) =>
    zeroPadded(
      rows(isSparse ? `${prefix}.experts.${expert}.${part}` : `${prefix}.${part}`),
      part === 'down_proj' ? [hiddenSize, width] : [width, hiddenSize],
    );
  const experts = Array.from({ length: moe.numExperts }, (_, expert) => expert);
  return [
    [ROUTER, isSparse ? rows(`${prefix}.gate`) : zeros([moe.numExperts, hiddenSize])],
    ...MLP_PARTS.map((part): [string, Rows] => [
      `${MLP_NAMES[part]}_exps`,
      stacked(experts.map((expert) => ofExpert(part, expert))),
    ]),
  ];
}

function ggufTensor(name: string, rows: Rows, wanted: GgufWeightType | undefined): GgufTensor {
  const isF32 = rows.shape.length === 1 || name.endsWith(ROUTER);
  const type = isF32 ? 'F32' : matrixType(rows, wanted);
  return {
    name: `${name}.weight`,
    shape: rows.shape,
    type,
    *chunks() {
      for (const chunk of rows.chunks()) yield encodeWeights(chunk, rows.dtype, type);
    },
  };
}

function matrixType({ dtype, shape }: Rows, wanted: GgufWeightType | undefined): GgmlType {
  if (wanted === undefined) return dtype;
  if (wanted !== 'q8_0') return wanted === 'bf16' ? 'BF16' : 'F32';
  return shape[shape.length - 1] % GGML_TYPES.Q8_0.blockValues === 0 ? 'Q8_0' : 'F16';
}
