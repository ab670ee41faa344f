import test from 'ava';
import { parseModelConfig, readModelConfig } from '../../../../engine/index.ts';
import { center, rms } from '../../../../verify/judge/statistics.ts';
import type { BugContext } from '../../../../verify/signatures/bug.ts';
import { BUGS, bugsOf } from '../../../../verify/signatures/bugs.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { computeFaulty, computeRows } from '../../../support/verify/compute-rows.ts';
import { DENSE_CONFIG, denseModel, MOE_CONFIG, modelDirectory, moeModel } from '../../engine/tiny-models.ts';

trackResources(test);

const ids = Array.from({ length: 200 }, (_, i) => (i * 7 + ((i * i) % 5)) % 19);
const CASE = { id: 'one', ids, promptLength: 180, positions: [...ids.keys()] };
const copy = (logits: Float32Array) => Float64Array.from(logits);

/** The first position that each bug changes; absent: 0. No change at all: Infinity. */
const FIRST: Readonly<Record<string, number>> = {
  'rope-theta-x10': 1,
  'rope-theta-tenth': 1,
  'rope-theta-1-percent': 1,
  'rope-theta-10000': 1,
  'rope-theta-1000000': 1,
  'rope-missing': 1,
  'rope-interleaved': 1,
  'rope-reversed': 1,
  'rope-on-values': 1,
  'query-position-off-by-one': 1,
  'positions-from-1': Number.POSITIVE_INFINITY,
  'positions-wrap-at-64': 64,
  'decode-position-late': 180,
  'decode-position-early': 180,
  'qk-norms-swapped': 1,
  'q-norm-missing': 1,
  'k-norm-missing': 1,
  'q-norm-missing-last-layer': 1,
  'q-norm-after-rope': 1,
  'window-32': 32,
  'window-64': 64,
  'window-128': 128,
  'own-key-missing': 1,
  'previous-key-missing': 1,
  'first-key-missing': 1,
  'cache-wraps-at-block': 16,
  'cache-wraps-at-64': 64,
  'stale-block': 16,
  'scores-not-scaled': 1,
  'scores-scaled-by-hidden-size': 1,
  'scores-2-percent-high': 1,
  'rows-one-late': 1,
};

test('names of bugs are distinct and plain, and each has a title', (t) => {
  t.is(new Set(BUGS.map(({ name }) => name)).size, BUGS.length);
  t.true(BUGS.length >= 50);
  for (const { name, title } of BUGS) {
    t.regex(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    t.regex(title, /^\S.{6,}[^.]$/);
  }
});

test('a model has only the bugs that it can have', (t) => {
  const namesOf = (config: Record<string, unknown>) =>
    bugsOf(parseModelConfig(config)).map(({ name }) => name);
  const dense = namesOf(DENSE_CONFIG);
  const mixture = namesOf(MOE_CONFIG);
  t.deepEqual(
    mixture.filter((name) => !dense.includes(name)),
    [
      'experts-not-renormalised',
      'one-expert-too-few',
      'one-expert-too-many',
      'router-negated',
      'expert-missing',
    ],
  );
  t.true(namesOf({ ...MOE_CONFIG, norm_topk_prob: false }).includes('experts-renormalised'));
  t.false(namesOf({ ...DENSE_CONFIG, tie_word_embeddings: true }).includes('head-from-embedding'));
  t.false(namesOf({ ...DENSE_CONFIG, rope_theta: 10000 }).includes('rope-theta-10000'));
  t.false(namesOf({ ...DENSE_CONFIG, num_key_value_heads: 4 }).includes('key-value-heads-by-remainder'));
});

for (const [kind, model] of [
  ['dense', denseModel({ max_position_embeddings: 256 })],
  ['mixture', moeModel({ max_position_embeddings: 256 })],
  [
    'mixture of all layers with a tied head',
    moeModel({
      ...{ max_position_embeddings: 256, mlp_only_layers: [] },
      ...{ norm_topk_prob: false, tie_word_embeddings: true },
    }),
  ],
] as const) {
  test(`${kind}: each bug changes the rows that it should, from the first on`, async (t) => {
    const dir = modelDirectory(t, model);
    const truth = (await computeRows(dir, [CASE], copy)).get('one')!;
    for (const bug of bugsOf(await readModelConfig(dir))) {
      const faulty = (await computeFaulty(dir, bug, [CASE], copy)).get('one')!;
      const changes = faulty.map((row, r) => rms(center(row.map((value, i) => value - truth[r][i]))));
      const first = changes.findIndex((change) => change > 1e-4);
      t.is(first < 0 ? Number.POSITIVE_INFINITY : first, FIRST[bug.name] ?? first, bug.name);
      if (FIRST[bug.name] === undefined) t.true(first >= 0 && first < 16, `${bug.name} begins at ${first}`);
    }
  });
}

test('interleaved RoPE turns neighbours, each pair by its own angle, in every row and head', (t) => {
  const { make } = BUGS.find(({ name }) => name === 'rope-interleaved')!;
  const { taps } = make({ config: parseModelConfig(DENSE_CONFIG) } as BugContext);
  const [rows, heads, headDim] = [2, 3, 4];
  const angles = [0.1, 0.2, 0.3, 0.4];
  const x = Float32Array.from({ length: rows * heads * headDim }, (_, i) => i + 1);
  const expected = Float32Array.from(x, (value, i) => {
    const angle = angles[Math.floor(i / (heads * headDim)) * 2 + ((i % headDim) >> 1)];
    const other = x[i ^ 1];
    return value * Math.cos(angle) + (i % 2 === 0 ? -other : other) * Math.sin(angle);
  });
  taps!.rope!({
    ...{ x, rows, heads, headDim, site: 'q', layer: 0, compute: () => {} },
    cos: Float32Array.from(angles, Math.cos),
    sin: Float32Array.from(angles, Math.sin),
  });
  for (const [i, value] of x.entries()) t.true(Math.abs(value - expected[i]) < 1e-5, `value ${i}`);
});

test('a faulty engine is made anew: the engine itself stays right', async (t) => {
  const dir = modelDirectory(t, denseModel({ max_position_embeddings: 256 }));
  const before = await computeRows(dir, [CASE], copy);
  await computeFaulty(dir, BUGS.find(({ name }) => name === 'k-norm-missing')!, [CASE], copy);
  t.deepEqual(await computeRows(dir, [CASE], copy), before);
});
