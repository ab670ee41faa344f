import type { ModelConfig } from '../../engine/config.ts';

/** The intermediate values of a layer that a tapped graph returns. */
export type LayerTap = 'q_norm' | 'k_norm' | 'q_rope' | 'k_rope' | 'attention' | 'mlp' | 'router_logits';

/** The name of a further output of a tapped graph, beside logits and cache. */
export type TapName = `hidden_states.${number}` | 'hidden_states.final' | `layers.${number}.${LayerTap}`;

/**
 * The outputs of a tapped graph, in the order in which they are computed, with [batch, time] before each
 * shape:
 * - `hidden_states.0`: the embedding, [hidden]; `hidden_states.N`: the output of the N-th layer;
 *   `hidden_states.final`: the last of them after the final norm;
 * - `layers.N.q_norm`, `q_rope`: the queries after their norm, and after RoPE, [heads, head_dim]; `k_norm`,
 *   `k_rope` the keys, [kv_heads, head_dim];
 * - `layers.N.attention`: the output of `o_proj`, [hidden]; `layers.N.mlp`: the output of the MLP, [hidden];
 * - `layers.N.router_logits`: of a mixture of experts, [experts].
 */
export function tapNames(config: ModelConfig): TapName[] {
  const names: TapName[] = ['hidden_states.0'];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const taps: LayerTap[] = ['q_norm', 'k_norm', 'q_rope', 'k_rope', 'attention'];
    if (config.moe?.sparseLayers[layer]) taps.push('router_logits');
    taps.push('mlp');
    names.push(...taps.map((tap) => `layers.${layer}.${tap}` as const), `hidden_states.${layer + 1}`);
  }
  names.push('hidden_states.final');
  return names;
}
