import test from 'ava';
import { expectedWeights } from '../../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../../engine/config.ts';
import { FIXTURES, writeFixture } from '../../../generator/fixtures.ts';
import { hashFiles } from '../../../generator/models.ts';
import {
  bfloat16Bits,
  float16Bits,
  seededWeights,
  type WeightRecipe,
} from '../../../generator/seeded-weights.ts';
import { readManifest } from '../../../golden/goldens.ts';
import { temporaryFolder } from '../../support/cleanup.ts';

/** Wide enough for means and deviations to be told. */
const WIDE = parseModelConfig({
  model_type: 'qwen3_moe',
  vocab_size: 96,
  hidden_size: 200,
  intermediate_size: 60,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 100,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: false,
  num_experts: 4,
  num_experts_per_tok: 2,
  moe_intermediate_size: 20,
  norm_topk_prob: true,
  mlp_only_layers: [0],
});
const RECIPE: WeightRecipe = { seed: 'a seed', dtype: 'F32', finalNormMean: 9 };

function draw(recipe: Partial<WeightRecipe> = {}, config = WIDE): Map<string, Float32Array> {
  const tensors = seededWeights(config, { ...RECIPE, ...recipe });
  return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}

const drawn = draw();

/** Bit by bit; deepEqual takes seconds over so many numbers. */
function same(a: ArrayBufferView | undefined, b: ArrayBufferView | undefined): boolean {
  const [x, y] = [a, b].map((v) => v && new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
  return x !== undefined && y !== undefined && Buffer.compare(x, y) === 0;
}

for (const name of ['dense', 'moe', 'moe-nonorm', 'outliers']) {
  test(`fixture ${name} is written byte for byte as where its goldens were recorded`, async (t) => {
    const folder = temporaryFolder(t);
    await writeFixture(folder, FIXTURES[name]);
    t.deepEqual(await hashFiles(folder), readManifest(name).sha256);
  });
}

test('every weight of the configuration is drawn, in its shape', (t) => {
  const shapes = [...seededWeights(WIDE, RECIPE)].map(([name, { shape }]) => [name, shape]);
  t.deepEqual(shapes, [...expectedWeights(WIDE)]);
});

const distributions: [what: string, pattern: RegExp, mean: number, std: number][] = [
  ['the final norm', /^model\.norm\.weight$/, 9, 1.8],
  ['norms of q and k', /[qk]_norm\.weight$/, 1.7, 0.35],
  ['norms of layers', /layernorm\.weight$/, 1, 0.3],
  ['the embedding', /embed_tokens\.weight$/, 0, 0.05],
  ['the router', /mlp\.gate\.weight$/, 0, 2 / Math.sqrt(200)],
  ['a matrix that reads the hidden state', /([qkv]|gate|up)_proj\.weight$/, 0, 1 / Math.sqrt(200)],
  ['the head', /lm_head\.weight$/, 0, 1 / Math.sqrt(200)],
  ['the output of attention', /o_proj\.weight$/, 0, 1 / Math.sqrt(200)],
  ['the output of the dense MLP', /mlp\.down_proj\.weight$/, 0, 1 / Math.sqrt(60)],
  ['the output of an expert', /experts\.\d\.down_proj\.weight$/, 0, 1 / Math.sqrt(20)],
];
for (const [what, pattern, mean, std] of distributions) {
  test(`${what} has mean ${mean} and standard deviation ${std.toPrecision(3)}`, (t) => {
    for (const [name, values] of [...drawn].filter(([name]) => pattern.test(name))) {
      const found = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - found) ** 2, 0);
      // Five standard errors of what is estimated from so many values.
      const error = (5 * std) / Math.sqrt(values.length);
      t.true(Math.abs(found - mean) < error, `${name}: mean ${found}`);
      t.true(Math.abs(Math.sqrt(squares / values.length) - std) < error, `${name}: ${squares}`);
    }
    t.true([...drawn.keys()].some((name) => pattern.test(name)));
  });
}

test('the same seed draws the same weights, another seed others', (t) => {
  const [again, other] = [draw(), draw({ seed: 'another' })];
  for (const [name, values] of drawn) {
    t.true(same(again.get(name), values), name);
    t.false(same(other.get(name), values), name);
  }
});

test('a tensor is drawn from a stream of its own: another layer leaves the rest as it was', (t) => {
  const { moe } = WIDE;
  const deeper = draw(
    {},
    { ...WIDE, numHiddenLayers: 3, moe: { ...moe!, sparseLayers: [false, true, true] } },
  );
  t.true(deeper.size > drawn.size);
  for (const [name, values] of drawn) t.true(same(deeper.get(name), values), name);
});

test('tensors of one shape have different weights', (t) => {
  const layer = 'model.layers.0.self_attn';
  t.false(same(drawn.get(`${layer}.q_norm.weight`), drawn.get(`${layer}.k_norm.weight`)));
  t.false(same(drawn.get(`${layer}.k_proj.weight`), drawn.get(`${layer}.v_proj.weight`)));
});

test('an outlier channel is written and read 100 times as strongly, kept out of the logits, and the rest as before', (t) => {
  const channel = 17;
  const outliers = draw({ outlierChannels: [channel] });
  for (const [name, values] of drawn) {
    const width = expectedWeights(WIDE).get(name)![1];
    const factorAt = (i: number) => {
      if (/(o_proj|down_proj)/.test(name)) return Math.floor(i / width) === channel ? 100 : 1;
      if (name.endsWith('input_layernorm.weight')) return i === channel ? 100 : 1;
      return name === 'model.norm.weight' && i === channel ? 1 / 100 : 1;
    };
    const expected = values.map((value, i) => {
      const factor = factorAt(i);
      return factor < 1 ? value / 100 : value * factor;
    });
    t.true(same(outliers.get(name), expected), name);
  }
});

for (const [dtype, toBits] of [
  ['BF16', bfloat16Bits],
  ['F16', float16Bits],
] as const) {
  test(`${dtype} weights are those of F32, rounded`, (t) => {
    for (const [name, { data, dtype: found }] of seededWeights(WIDE, { ...RECIPE, dtype })) {
      t.is(found, dtype);
      t.true(same(data, Uint16Array.from(drawn.get(name)!, toBits)), name);
    }
  });
}

/** The number of 16 bits: IEEE 754 with 5 bits of exponent, or the upper half of an f32. */
const numberOf = {
  F16(bits: number): number {
    const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
    return exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  },
  BF16(bits: number): number {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint16(0, bits);
    return view.getFloat32(0);
  },
};

/** The f32 beside a positive one. */
function neighbour(value: number, direction: 1 | -1): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  view.setUint32(0, view.getUint32(0) + direction);
  return view.getFloat32(0);
}

for (const [dtype, toBits, last] of [
  ['F16', float16Bits, 0x7bff],
  ['BF16', bfloat16Bits, 0x7f7f],
] as const) {
  test(`rounding to ${dtype} takes the nearest number, and of two as near the even one: at every midpoint there is`, (t) => {
    const wrong: string[] = [];
    const expectBits = (value: number, bits: number) => {
      for (const [signed, expected] of [
        [value, bits],
        [-value, bits | 0x8000],
      ]) {
        const got = toBits(signed);
        if (got !== expected && signed !== 0) wrong.push(`${signed} became ${got}, not ${expected}`);
      }
    };
    for (let bits = 0; bits < last; bits++) {
      const [low, high] = [numberOf[dtype](bits), numberOf[dtype](bits + 1)];
      const middle = (low + high) / 2;
      expectBits(low, bits);
      expectBits(neighbour(middle, -1), bits);
      expectBits(middle, bits % 2 === 0 ? bits : bits + 1);
      expectBits(neighbour(middle, 1), bits + 1);
    }
    expectBits(numberOf[dtype](last), last);
    t.deepEqual(wrong.slice(0, 5), []);
  });
}
