import test from 'ava';
import { oracleFromWeights } from '../../../verify/oracle/oracle.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { makeModel } from '../../support/properties/arbitraries.ts';
import { loadEngine } from './tiny-models.ts';

trackResources(test);

/** A layer whose heads run in tiles, and as little else as there can be. */
const CONFIG = {
  ...{ model_type: 'qwen3', vocab_size: 11, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 },
  ...{ num_attention_heads: 1, num_key_value_heads: 1, max_position_embeddings: 8_192, rms_norm_eps: 1e-6 },
  ...{ head_dim: 16, rope_theta: 1_000_000, tie_word_embeddings: true },
};
const POSITIONS = 4_103;
const IDS = Array.from({ length: POSITIONS }, (_, i) => (i * i + (i >> 3)) % 11);

test('positions beyond 4,096 see all before them, turned by their distance', async (t) => {
  const model = makeModel(CONFIG, 'F32', 5);
  const engine = await loadEngine(t, model, { cacheTokens: 4_112, blockSize: 16, prefillChunk: 1_000 });
  const { hidden } = engine.forward(IDS, { hidden: true });
  const truth = oracleFromWeights(model.config, model.weights).forward(IDS).hidden[1];
  const got = hidden!.subarray(truth.length, 2 * truth.length);
  let worst = { off: 0, index: 0 };
  for (const [index, value] of truth.entries()) {
    const off = Math.abs(got[index] - value);
    if (!(off <= worst.off)) worst = { off, index };
  }
  const { off, index } = worst;
  const place = `hidden state 1, position ${Math.floor(index / 8)}, index ${index % 8}`;
  t.true(off < 1e-4, `${place}: got ${got[index]}, expected ${truth[index]}`);
});
