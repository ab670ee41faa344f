import test, { type ExecutionContext } from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { CheckpointError, KernelError } from '../../../../engine/errors.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { KvCache } from '../../../../engine/model/kv-cache.ts';
import { HEAD_ROWS, Qwen3 } from '../../../../engine/model/qwen3.ts';
import { Shard } from '../../../../engine/model/shard.ts';
import type { Observer } from '../../../../engine/options.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import { oracleFromWeights } from '../../../../verify/oracle/oracle.ts';
import { shardedDense, shardedMoe } from '../../../support/groups/sharded-models.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import type { TinyModel } from '../../../support/properties/arbitraries.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { denseModel, modelDirectory, moeModel } from '../tiny-models.ts';
import { relativeDifference } from './parts.ts';
import { inTurn } from './ranks-in-turn.ts';

trackResources(test);

const IDS = [3, 0, 18, 7, 7, 11];
const BLOCKS = Int32Array.of(0, 1);

function load(t: ExecutionContext, model: TinyModel, maxRows = 8): Qwen3 {
  const kernels = createScalarKernels();
  const cache = new KvCache(kernels, model.config, { blockSize: 4, numBlocks: 6 });
  return Qwen3.load(open(t, model), kernels, cache, { maxRows });
}

/** A model as its directory has it, closed when the test ends. */
function open(t: ExecutionContext, model: TinyModel) {
  return { config: model.config, checkpoint: closing(t, Checkpoint.open(modelDirectory(t, model))) };
}

/** States and logits of a whole prompt. */
function run(model: Qwen3, ids: readonly number[] = IDS, observe?: Observer) {
  const states = model.forward([{ ids, startPosition: 0, blockTable: BLOCKS }], observe);
  return { states: states.slice(), logits: model.logits(states, [...ids.keys()]).values.slice() };
}

for (const [what, tiny] of [
  ['a dense model', denseModel()],
  ['a mixture of experts', moeModel()],
  ['a tied model in bf16', denseModel({ tie_word_embeddings: true }, 'BF16')],
  ['a mixture in f16 that is not renormalised', moeModel({ norm_topk_prob: false }, 'F16')],
] as const) {
  test(`${what} computes what the formulae say, at every stage`, (t) => {
    const { logits, stages, hidden } = oracleFromWeights(tiny.config, tiny.weights).forward(IDS);
    const reported = new Map<string, Float32Array>();
    const model = load(t, tiny);
    const got = run(model, IDS, (stage, values) => reported.set(stage, values.slice()));
    const truth = new Map(stages);
    for (const [i, values] of hidden.entries()) {
      truth.set(`hidden_states.${i < hidden.length - 1 ? i : 'final'}`, values);
    }
    t.deepEqual([...reported.keys()].sort(), [...truth.keys()].sort());
    for (const [stage, values] of reported) {
      const difference = relativeDifference(values, truth.get(stage)!);
      t.true(difference < 4e-6, `${stage} is off by ${difference}`);
    }
    const difference = relativeDifference(got.logits, logits);
    t.true(difference < 4e-6, `the logits are off by ${difference}`);
    t.deepEqual(got.states, reported.get('hidden_states.final'));
  });
}

test('stages are reported in the order of the computation; only sparse layers have router logits', (t) => {
  const stages: string[] = [];
  run(load(t, moeModel()), IDS, (stage) => stages.push(stage));
  const attention = (i: number) =>
    ['q_norm', 'k_norm', 'q_rope', 'k_rope', 'attention'].map((stage) => `layers.${i}.${stage}`);
  t.deepEqual(stages, [
    'hidden_states.0',
    ...attention(0),
    'layers.0.mlp',
    'hidden_states.1',
    ...attention(1),
    'layers.1.router_logits',
    'layers.1.mlp',
    'hidden_states.2',
    'hidden_states.final',
  ]);
});

test('sequences that share a step give the bits that they give alone', (t) => {
  for (const tiny of [denseModel(), moeModel()]) {
    const model = load(t, tiny);
    const others = [5, 1];
    const alone = [run(model), run(model, others)];
    const spans = [
      { ids: IDS, startPosition: 0, blockTable: Int32Array.of(4, 2) },
      { ids: others, startPosition: 0, blockTable: Int32Array.of(5) },
    ];
    const together = model.forward(spans).slice();
    t.is(bitDifference(together.slice(0, 6 * 13), alone[0].states), undefined);
    t.is(bitDifference(together.slice(6 * 13, 8 * 13), alone[1].states), undefined);
  }
});

test('a sequence goes on where its keys and values lie', (t) => {
  const model = load(t, moeModel());
  const { states } = run(model);
  const blockTable = Int32Array.of(3, 1);
  model.forward([{ ids: IDS.slice(0, 5), startPosition: 0, blockTable }]);
  const last = model.forward([{ ids: IDS.slice(5), startPosition: 5, blockTable }]);
  t.is(bitDifference(last.slice(0, 13), states.slice(5 * 13)), undefined);
});

test('logits are returned for the given rows, in the given order', (t) => {
  const model = load(t, denseModel());
  const { logits } = run(model);
  const states = model.forward([{ ids: IDS, startPosition: 0, blockTable: BLOCKS }]);
  const row = (i: number) => [...logits.slice(19 * i, 19 * (i + 1))];
  const { values, argmax } = model.logits(states, [4, 1, 4]);
  t.deepEqual([...values], [...row(4), ...row(1), ...row(4)]);
  const largest = [4, 1, 4].map((i) => row(i).indexOf(Math.max(...row(i))));
  t.deepEqual([...argmax], largest, 'the token with the largest logit of each row');
  t.deepEqual([...model.logits(states, []).argmax], []);
  t.is(model.logits(states, new Array(HEAD_ROWS).fill(0)).values.length, HEAD_ROWS * 19);
});

test('logits of any number of rows are gathered from the halves of two ranks, to the last bit', (t) => {
  const { config, checkpoint } = open(t, shardedDense());
  const hidden = Float32Array.from({ length: 5 * config.hiddenSize }, (_, i) => Math.sin(i));
  const logitsOf = (rows: number[], group?: ProcessGroup) => {
    const kernels = createScalarKernels();
    const shard = new Shard(group, { tp: group?.size ?? 1, ep: 1 });
    const cache = new KvCache(kernels, shard.widths(config), { blockSize: 4, numBlocks: 2 });
    return Qwen3.load({ config, checkpoint }, kernels, cache, { maxRows: 8, shard }).logits(hidden, rows);
  };
  for (const rows of [[3], [4, 0, 2]]) {
    let got = new Float32Array(0);
    inTurn(2, (group) => {
      const logits = logitsOf(rows, group);
      if (group.rank === 0) got = logits.values.slice();
    });
    t.is(bitDifference(got, logitsOf(rows).values), undefined, `rows ${rows}`);
  }
});

for (const parallelism of [
  { tp: 1, ep: 2 },
  { tp: 2, ep: 2 },
  { tp: 1, ep: 4 },
]) {
  const { tp, ep } = parallelism;
  test(`experts that ${ep} ranks share, with tp ${tp}, give the hidden states of one rank`, (t) => {
    const { config, checkpoint } = open(t, shardedMoe());
    const ids = [1, 4, 0, 9, 2];
    const statesOf = (group?: ProcessGroup) => {
      const kernels = createScalarKernels();
      const shard = new Shard(group, group ? parallelism : undefined, config.moe!.numExperts);
      const cache = new KvCache(kernels, shard.widths(config), { blockSize: 4, numBlocks: 2 });
      const model = Qwen3.load({ config, checkpoint }, kernels, cache, { maxRows: 8, shard });
      return model.forward([{ ids, startPosition: 0, blockTable: [0, 1] }]).slice();
    };
    const alone = statesOf();
    const place = (i: number) => `row ${Math.floor(i / config.hiddenSize)}`;
    inTurn(ep, (group) => {
      t.is(bitDifference(statesOf(group), alone, place), undefined, `rank ${group.rank}`);
    });
  });
}

test('a tied head is the embedding, also if the checkpoint has another one', (t) => {
  const tied = denseModel({ tie_word_embeddings: true });
  const saved = {
    ...tied,
    weights: new Map(tied.weights).set(
      'lm_head.weight',
      denseModel({ vocab_size: 19 }).weights.get('lm_head.weight')!,
    ),
  };
  t.is(bitDifference(run(load(t, saved)).logits, run(load(t, tied)).logits), undefined);
});

test('a step of more rows than the model was loaded for is refused', (t) => {
  const model = load(t, denseModel(), 4);
  t.is(model.maxRows, 4);
  t.notThrows(() => model.forward([{ ids: IDS.slice(0, 4), startPosition: 0, blockTable: BLOCKS }]));
  t.throws(() => model.forward([{ ids: IDS.slice(0, 5), startPosition: 0, blockTable: BLOCKS }]), {
    instanceOf: RangeError,
    message: 'a step has 5 tokens; expected at most 4',
  });
});

test('blocks that do not reach over the last position are refused', (t) => {
  const model = load(t, denseModel());
  t.throws(() => model.forward([{ ids: IDS, startPosition: 0, blockTable: Int32Array.of(0) }]), {
    instanceOf: RangeError,
    message: 'a span up to position 5 has 1 blocks; expected at least 2',
  });
});

test('progress reaches the bytes of the weights that are used', (t) => {
  const tied = denseModel({ tie_word_embeddings: true });
  const weights = new Map(tied.weights).set('lm_head.weight', tied.weights.get('model.embed_tokens.weight')!);
  const kernels = createScalarKernels();
  const cache = new KvCache(kernels, tied.config, { blockSize: 4, numBlocks: 1 });
  const reported: [number, number][] = [];
  const onProgress = (...progress: [number, number]) => reported.push(progress);
  Qwen3.load(open(t, { ...tied, weights }), kernels, cache, { maxRows: 1, onProgress });
  const total = [...tied.weights.values()].reduce((sum, { data }) => sum + 4 * data.length, 0);
  t.is(reported.length, tied.weights.size);
  t.deepEqual(reported.at(-1), [total, total]);
  t.true(reported.every(([done], i) => i === 0 || done > reported[i - 1][0]));
});

test('a model that needs more memory than the kernels have is refused', async (t) => {
  const model = denseModel();
  const kernels = await createWasmKernels({ maxBytes: 2 ** 16 });
  t.teardown(() => kernels.dispose());
  const cache = new KvCache(kernels, model.config, { blockSize: 4, numBlocks: 1 });
  t.throws(() => Qwen3.load(open(t, model), kernels, cache, { maxRows: 200 }), {
    instanceOf: KernelError,
    message: /cannot allocate/,
  });
});

test('a model whose files have been closed is refused', (t) => {
  const model = denseModel();
  const opened = open(t, model);
  opened.checkpoint.close();
  const kernels = createScalarKernels();
  const cache = new KvCache(kernels, model.config, { blockSize: 4, numBlocks: 1 });
  t.throws(() => Qwen3.load(opened, kernels, cache, { maxRows: 1 }), {
    instanceOf: CheckpointError,
    message: /has been closed/,
  });
});
