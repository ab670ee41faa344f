import test from 'ava';
import { parseModelConfig } from '../../../../engine/config.ts';
import { tapNames } from '../../../../generator/onnx/taps.ts';
import { DENSE, MOE } from './checkpoints.ts';

test('a dense model has six taps in a layer, and hidden states before, between and after the layers', (t) => {
  t.deepEqual(tapNames(parseModelConfig({ ...DENSE, num_hidden_layers: 1 })), [
    'hidden_states.0',
    'layers.0.q_norm',
    'layers.0.k_norm',
    'layers.0.q_rope',
    'layers.0.k_rope',
    'layers.0.attention',
    'layers.0.mlp',
    'hidden_states.1',
    'hidden_states.final',
  ]);
});

test('only layers with experts have router logits', (t) => {
  const routers = tapNames(parseModelConfig(MOE)).filter((name) => name.endsWith('router_logits'));
  t.deepEqual(routers, ['layers.1.router_logits']);
});
