import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { type OracleWeight, readOracleWeights } from './weights.ts';

/**
 * The third witness: Qwen3 and Qwen3-MoE in float64, written from the formulae and sharing no arithmetic with
 * the engine or the reference. When those two differ, the oracle agrees with the one that is right. It
 * recomputes everything for every token and is meant for models of a few thousand to a few million
 * parameters.
 */
export interface Oracle {
  /** @param ids at least one token. @throws RangeError if there are none or one is outside the vocabulary. */
  forward(ids: readonly number[]): OracleRun;
}

/** What one forward pass over T tokens computes; matrices are row-major. */
export interface OracleRun {
  /** float64 [T, vocab]. */
  readonly logits: Float64Array;
  /**
   * layers + 2 of float64 [T, hidden]: embedding, each layer's output before the final norm, after the final
   * norm.
   */
  readonly hidden: readonly Float64Array[];
  /**
   * For each layer N, float64: `layers.N.q_norm` and `layers.N.k_norm` [T, heads, headDim] after the norm,
   * `layers.N.q_rope` and `layers.N.k_rope` [T, heads, headDim], `layers.N.attention` [T, hidden] after
   * o_proj, `layers.N.mlp` [T, hidden], and `layers.N.router_logits` [T, experts] where the layer is a
   * mixture.
   */
  readonly stages: ReadonlyMap<string, Float64Array>;
}

/** @throws ConfigError, CheckpointError if the HuggingFace model directory cannot be read. */
export async function loadOracle(modelDir: string): Promise<Oracle> {
  return oracleFromWeights(await readModelConfig(modelDir), readOracleWeights(modelDir));
}

/** @param weights all weights of the model under HuggingFace's names. */
export function oracleFromWeights(config: ModelConfig, weights: ReadonlyMap<string, OracleWeight>): Oracle {
  return { forward: (ids) => forward(config, weights, ids) };
}

function forward(
  config: ModelConfig,
  weights: ReadonlyMap<string, OracleWeight>,
  ids: readonly number[],
): OracleRun {
  const weight = (name: string): OracleWeight => {
    const found = weights.get(`${name}.weight`);
    if (!found) throw new RangeError(`the oracle was given no weight "${name}.weight"`);
    return found;
  };
  const norm = (x: Float64Array, name: string) => rmsNorm(x, weight(name).data, config.rmsNormEps);
  const stages = new Map<string, Float64Array>();

  // x_t = E[id_t]
  let x = embed(weight('model.embed_tokens'), ids);
  const hidden = [x];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const name = `model.layers.${layer}`;
    const record = (stage: string, value: Float64Array) => {
      stages.set(`layers.${layer}.${stage}`, value);
      return value;
    };
    // n = RMSNorm(x)
    const n = norm(x, `${name}.input_layernorm`);
    // q = RMSNorm(W_q n), k = RMSNorm(W_k n), each head for itself; v = W_v n
    const q = norm(linear(n, weight(`${name}.self_attn.q_proj`)), `${name}.self_attn.q_norm`);
    const k = norm(linear(n, weight(`${name}.self_attn.k_proj`)), `${name}.self_attn.k_norm`);
    const v = linear(n, weight(`${name}.self_attn.v_proj`));
    record('q_norm', q);
    record('k_norm', k);
    // q, k turned by their position
    const qTurned = record('q_rope', rope(q, config.numAttentionHeads, config));
    const kTurned = record('k_rope', rope(k, config.numKeyValueHeads, config));
    // x ← x + W_o Attention(q, k, v)
    const attended = attention(qTurned, kTurned, v, config);
    x = add(x, record('attention', linear(attended, weight(`${name}.self_attn.o_proj`))));
    // m = RMSNorm(x)
    const m = norm(x, `${name}.post_attention_layernorm`);
    const swiglu = (input: Float64Array, mlp: string) =>
      swiGlu(input, weight(`${mlp}.gate_proj`), weight(`${mlp}.up_proj`), weight(`${mlp}.down_proj`));
    // x ← x + MLP(m), where an MLP is one SwiGLU or a mixture of them
    if (config.moe?.sparseLayers[layer]) {
      const router = record('router_logits', linear(m, weight(`${name}.mlp.gate`)));
      const expert = (e: number, row: Float64Array) => swiglu(row, `${name}.mlp.experts.${e}`);
      x = add(x, record('mlp', mixture(m, router, config, expert)));
    } else {
      x = add(x, record('mlp', swiglu(m, `${name}.mlp`)));
    }
    hidden.push(x);
  }
  // logits = W_head RMSNorm(x)
  const final = norm(x, 'model.norm');
  hidden.push(final);
  const head = weight(config.tieWordEmbeddings ? 'model.embed_tokens' : 'lm_head');
  return { logits: linear(final, head), hidden, stages };
}

function embed({ shape: [vocab, width], data }: OracleWeight, ids: readonly number[]): Float64Array {
  if (ids.length === 0) throw new RangeError('the oracle needs at least one token');
  const x = new Float64Array(ids.length * width);
  ids.forEach((id, t) => {
    if (!(id >= 0 && id < vocab)) throw new RangeError(`id ${id} is outside the vocabulary of ${vocab}`);
    x.set(data.subarray(id * width, (id + 1) * width), t * width);
  });
  return x;
}

/** y[t, n] = Σ_k x[t, k] · W[n, k] */
function linear(x: Float64Array, { shape: [outputs, inputs], data }: OracleWeight): Float64Array {
  const rows = x.length / inputs;
  const y = new Float64Array(rows * outputs);
  for (let t = 0; t < rows; t++) {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += x[t * inputs + k] * data[n * inputs + k];
      y[t * outputs + n] = sum;
    }
  }
  return y;
}

/** y_i = g_i · x_i / √(mean(x²) + ε), for each row as long as the gains g (Zhang & Sennrich 2019). */
function rmsNorm(x: Float64Array, gains: Float64Array, eps: number): Float64Array {
  const width = gains.length;
  const y = new Float64Array(x.length);
  for (let begin = 0; begin < x.length; begin += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += x[begin + i] ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) y[begin + i] = gains[i] * x[begin + i] * scale;
  }
  return y;
}

/**
 * Pair (d, d + headDim/2) turned by t · θ^(−2d/headDim) (Su et al. 2021, in HuggingFace's rotate-half form).
 */
function rope(x: Float64Array, heads: number, { headDim, ropeTheta }: ModelConfig): Float64Array {
  const half = headDim / 2;
  const y = new Float64Array(x.length);
  for (let begin = 0; begin < x.length; begin += headDim) {
    const t = Math.floor(begin / (heads * headDim));
    for (let d = 0; d < half; d++) {
      const angle = t * ropeTheta ** ((-2 * d) / headDim);
      const a = x[begin + d];
      const b = x[begin + d + half];
      y[begin + d] = a * Math.cos(angle) - b * Math.sin(angle);
      y[begin + d + half] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }
  return y;
}

/** o_t = Σ_{s ≤ t} softmax_s(q_t · k_s / √headDim) v_s; several query heads share a key-value head (GQA). */
function attention(q: Float64Array, k: Float64Array, v: Float64Array, config: ModelConfig): Float64Array {
  const { headDim, numAttentionHeads: heads, numKeyValueHeads: kvHeads } = config;
  const o = new Float64Array(q.length);
  for (let begin = 0; begin < q.length; begin += headDim) {
    const t = Math.floor(begin / (heads * headDim));
    const head = (begin / headDim) % heads;
    const kvHead = Math.floor(head / (heads / kvHeads));
    const at = (s: number) => (s * kvHeads + kvHead) * headDim;
    // scores of the positions up to its own: a token sees itself and the past
    const scores = Array.from({ length: t + 1 }, (_, s) => {
      let dot = 0;
      for (let d = 0; d < headDim; d++) dot += q[begin + d] * k[at(s) + d];
      return dot / Math.sqrt(headDim);
    });
    softmax(scores).forEach((p, s) => {
      for (let d = 0; d < headDim; d++) o[begin + d] += p * v[at(s) + d];
    });
  }
  return o;
}

/** W_down (SiLU(W_gate x) ⊙ W_up x), SiLU(z) = z / (1 + e^−z) (Shazeer 2020) */
function swiGlu(x: Float64Array, gate: OracleWeight, up: OracleWeight, down: OracleWeight): Float64Array {
  const u = linear(x, up);
  const activated = linear(x, gate).map((z, i) => (z / (1 + Math.exp(-z))) * u[i]);
  return linear(activated, down);
}

/**
 * Σ_{e ∈ topk(p)} p_e · Expert_e(x), p = softmax(router logits), over the chosen renormalised if so
 * configured.
 */
function mixture(
  x: Float64Array,
  router: Float64Array,
  { hiddenSize, moe }: ModelConfig,
  expert: (e: number, row: Float64Array) => Float64Array,
): Float64Array {
  const { numExperts, numExpertsPerTok, normTopkProb } = moe!;
  const y = new Float64Array(x.length);
  for (let t = 0; t < x.length / hiddenSize; t++) {
    const p = softmax(Array.from(router.subarray(t * numExperts, (t + 1) * numExperts)));
    // the most probable experts; of two alike, the one of lower index
    const byProbability = p.map((_, e) => e).sort((a, b) => p[b] - p[a] || a - b);
    const chosen = byProbability.slice(0, numExpertsPerTok);
    const total = normTopkProb ? chosen.reduce((sum, e) => sum + p[e], 0) : 1;
    const row = x.subarray(t * hiddenSize, (t + 1) * hiddenSize);
    for (const e of chosen) {
      expert(e, row).forEach((value, i) => {
        y[t * hiddenSize + i] += (p[e] / total) * value;
      });
    }
  }
  return y;
}

function softmax(scores: readonly number[]): number[] {
  const max = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((score) => Math.exp(score - max));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]);
}
