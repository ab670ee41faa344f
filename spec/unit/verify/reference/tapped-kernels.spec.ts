import test from 'ava';
import { createScalarKernels, Engine, readModelConfig } from '../../../../engine/index.ts';
import { type Taps, tapKernels } from '../../../../verify/reference/tapped-kernels.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory, moeModel } from '../../engine/tiny-models.ts';

trackResources(test);

const IDS = [3, 1, 4, 1, 5];
const OPTIONS = { cacheTokens: 32, prefixCaching: false };

async function logitsOf(dir: string, taps?: Taps): Promise<Float32Array> {
  const kernels = createScalarKernels();
  const tapped = taps ? tapKernels(kernels, await readModelConfig(dir), taps) : kernels;
  const engine = await Engine.load(dir, { ...OPTIONS, kernels: tapped });
  try {
    return engine.forward(IDS).logits;
  } finally {
    await engine.close();
  }
}

/** Both layers' calls in their order; a mixture's experts depend on its routes. */
function expectedPlaces(mixture: boolean): string[] {
  const layers = [0, 1].flatMap((layer) => {
    const matrix = (name: string) => `model.layers.${layer}.${name}.weight`;
    const attention = [
      'input',
      ...['q', 'k', 'v'].map((name) => matrix(`self_attn.${name}_proj`)),
      'q',
      'k',
      'q',
      'k',
    ];
    const mlp = ['gate', 'up'].map((name) => matrix(`mlp.${name}_proj`));
    const rest = mixture && layer === 1 ? [matrix('mlp.gate')] : [...mlp, 'call', matrix('mlp.down_proj')];
    return [
      ...attention,
      'call',
      matrix('self_attn.o_proj'),
      'attention',
      'postAttention',
      ...rest,
      'mlp',
    ].map((place) => `${layer} ${place}`);
  });
  return [...layers, '1 final', '1 lm_head.weight'];
}

for (const [name, model] of [
  ['dense', denseModel()],
  ['mixture', moeModel()],
  ['tied', denseModel({ tie_word_embeddings: true }, 'BF16')],
] as const) {
  test(`${name}: taps that compute what the kernels would change no bit, and get every call's place`, async (t) => {
    const dir = modelDirectory(t, model);
    const places: string[] = [];
    let inExpert = false;
    const note = (call: { compute: () => void; site?: string; name?: string; layer: number }) => {
      if (call.name) inExpert = call.name.includes('.experts.');
      if (!inExpert || call.site) places.push(`${call.layer} ${call.name ?? call.site ?? 'call'}`);
      call.compute();
    };
    const weights: string[] = [];
    const tapped = await logitsOf(dir, {
      weights: (matrix, _rows, _inputs, firstRow) => {
        if (firstRow === 0) weights.push(matrix);
      },
      matmul: note,
      rmsNorm: note,
      rope: note,
      attention: note,
      residual: note,
      siluMultiply: note,
    });
    t.deepEqual(tapped, await logitsOf(dir));
    t.deepEqual(places, expectedPlaces(name === 'mixture'));
    t.is(weights[0], 'model.embed_tokens.weight');
    t.is(new Set(weights).size, weights.length);
    t.is(places.at(-1)!.slice(2), 'lm_head.weight');
  });
}

test('a tap can take another matrix of the same shape', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const swap = (name: string) =>
    name.replace(/(gate|up)_proj/, (which) => (which === 'gate_proj' ? 'up_proj' : 'gate_proj'));
  const swapped = await logitsOf(dir, { matmul: ({ name, compute }) => compute(swap(name)) });
  t.notDeepEqual(swapped, await logitsOf(dir));
  // Swapped back by the tap of the gate, nothing has changed.
  const twice = await logitsOf(dir, { matmul: ({ name, compute }) => compute(swap(swap(name))) });
  t.deepEqual(twice, await logitsOf(dir));
});

test('weights are changed as they are loaded, and the embedding as it is read', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const zeros = await logitsOf(dir, {
    weights(name, rows) {
      if (name === 'lm_head.weight') rows.fill(0);
    },
  });
  t.true(zeros.every((value) => value === 0));
  const same = await logitsOf(dir, { embedded: (x) => x.copyWithin(13, 0, 13) });
  t.notDeepEqual(same, await logitsOf(dir));
});
