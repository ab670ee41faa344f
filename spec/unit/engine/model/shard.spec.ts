import test, { type ExecutionContext } from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KvCache } from '../../../../engine/model/kv-cache.ts';
import { HEAD_ROWS, Qwen3 } from '../../../../engine/model/qwen3.ts';
import { type Parallelism, Shard } from '../../../../engine/model/shard.ts';
import { PLAIN_ADDER } from '../../../../engine/parallel/tree-sum.ts';
import { shardedDense, shardedMoe } from '../../../support/groups/sharded-models.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import type { TinyModel } from '../../../support/properties/arbitraries.ts';
import { modelDirectory } from '../tiny-models.ts';
import { inTurn, rankAlone } from './ranks-in-turn.ts';

trackResources(test);

const Q = 'model.layers.0.self_attn.q_proj.weight';
const O = 'model.layers.0.self_attn.o_proj.weight';
const shards = ({ tp, ep }: Parallelism, numExperts = 8) =>
  Array.from(
    { length: Math.max(tp, ep) },
    (_, rank) => new Shard(rankAlone(rank, Math.max(tp, ep)), { tp, ep }, numExperts),
  );

test('a single process has the whole model, and exchanges nothing', (t) => {
  const shard = new Shard();
  const whole = { outputs: { first: 0, count: 6 }, inputs: { first: 0, count: 4 }, leaves: 8 };
  for (const name of [Q, O, 'lm_head.weight', 'model.layers.1.mlp.experts.3.up_proj.weight']) {
    t.deepEqual(shard.partOf(name, [6, 4]), whole);
  }
  t.deepEqual(shard.widths(shardedMoe().config), shardedMoe().config);
  const values = Float32Array.of(1, 2);
  shard.sum(values, 2, PLAIN_ADDER);
  shard.joinExperts(values, [1, 1], PLAIN_ADDER);
  t.deepEqual(values, Float32Array.of(1, 2));
});

test('a matrix is sharded by outputs, or by inputs and leaves, and all else is replicated', (t) => {
  const [, , third] = shards({ tp: 4, ep: 1 });
  const whole = { outputs: { first: 0, count: 16 }, inputs: { first: 0, count: 24 }, leaves: 8 };
  const byOutputs = { ...whole, outputs: { first: 8, count: 4 } };
  for (const name of [Q, 'lm_head.weight', 'model.embed_tokens.weight', 'a.mlp.experts.7.gate_proj.weight']) {
    t.deepEqual(third.partOf(name, [16, 24]), byOutputs, name);
  }
  const byInputs = { ...whole, inputs: { first: 12, count: 6 }, leaves: 2 };
  for (const name of [O, 'a.mlp.down_proj.weight', 'a.mlp.experts.7.down_proj.weight']) {
    t.deepEqual(third.partOf(name, [16, 24]), byInputs, name);
  }
  t.deepEqual(third.partOf('a.mlp.gate.weight', [16, 24]), whole, 'the router');
});

test('experts are sharded whole, in adjacent ranges; attention only with tensor parallelism', (t) => {
  for (const tp of [1, 4]) {
    for (const [rank, shard] of shards({ tp, ep: 4 }).entries()) {
      t.deepEqual(shard.experts(8), { first: 2 * rank, count: 2 });
      for (let id = 0; id < 8; id++) {
        const part = shard.partOf(`a.experts.${id}.down_proj.weight`, [16, 24]);
        if (Math.floor(id / 2) !== rank) t.is(part, undefined);
        else t.like(part, { leaves: 8, inputs: { first: 0, count: 24 } });
      }
      t.is(shard.partOf(Q, [16, 24])?.outputs.count, 16 / tp);
    }
  }
});

test('with tensor parallelism alone every rank has a part of every expert', (t) => {
  for (const shard of shards({ tp: 4, ep: 1 })) t.deepEqual(shard.experts(8), { first: 0, count: 8 });
});

test('widths are those of a rank; the vocabulary and the stream stay whole', (t) => {
  const { config } = shardedMoe();
  const [, shard] = shards({ tp: 2, ep: 1 });
  t.like(shard.widths(config), {
    ...{ numAttentionHeads: 8, numKeyValueHeads: 4, intermediateSize: 20, headDim: 6 },
    ...{ vocabSize: 24, hiddenSize: 13 },
  });
  t.is(shard.widths(config).moe?.moeIntermediateSize, 12);
  t.is(shards({ tp: 2, ep: 2 })[0].widths(config).moe?.moeIntermediateSize, 24);
});

test('outputs of experts come to every rank in the order of their ids', (t) => {
  const seen = new Map<number, Float32Array>();
  const lengths = [2, 0, 1, 3];
  const expected = Float32Array.of(1, 2, 3, 4, 5, 6);
  inTurn(2, (group) => {
    // What a rank has not computed keeps its former value.
    const outputs = expected.map((value, i) => (i < 2 === (group.rank === 0) ? value : 99));
    new Shard(group, { tp: 1, ep: 2 }, 4).joinExperts(outputs, lengths, PLAIN_ADDER);
    seen.set(group.rank, outputs);
  });
  t.deepEqual([...seen.values()], [expected, expected]);
});

test('a message may be shorter than the one before, and longer', (t) => {
  const seen = new Map<number, number[][]>();
  inTurn(2, (group) => {
    // A rank may begin again.
    const received: number[][] = [];
    seen.set(group.rank, received);
    const shard = new Shard(group, { tp: 1, ep: 2 }, 4);
    for (const length of [3, 1, 4]) {
      const all = new Float32Array(2 * length);
      shard.share(new Float32Array(length).fill(10 * length + group.rank), [length, length], all);
      received.push([...all]);
    }
  });
  const expected = [3, 1, 4].map((n) => [0, 1].flatMap((rank) => Array(n).fill(10 * n + rank)));
  t.deepEqual([...seen.values()], [expected, expected]);
});

/** What each rank reads of a model, and what it takes of memory, in bytes. */
function loadAll(t: ExecutionContext, { config, ...model }: TinyModel, spread: Parallelism) {
  const checkpoint = closing(t, Checkpoint.open(modelDirectory(t, { config, ...model })));
  return shards(spread).map((shard) => {
    const kernels = createScalarKernels();
    const cache = new KvCache(kernels, shard.widths(config), { blockSize: 16, numBlocks: 64 });
    const [cached, read] = [kernels.bytesAllocated, { bytes: 0, total: 0 }];
    const onProgress = (bytes: number, total: number) => Object.assign(read, { bytes, total });
    Qwen3.load({ config, checkpoint }, kernels, cache, { maxRows: 8, shard, onProgress });
    t.is(read.bytes, read.total);
    return { cached, read: read.bytes, allocated: kernels.bytesAllocated };
  });
}

const bytesOf = ({ weights }: TinyModel, name: RegExp) =>
  [...weights].reduce((sum, [key, { data }]) => sum + (name.test(key) ? 2 * data.length : 0), 0);

for (const tp of [2, 4, 8]) {
  test(`each of ${tp} ranks reads only its own bytes: a matrix once among all ranks, norms on every rank`, (t) => {
    const model = shardedDense();
    const [whole] = loadAll(t, model, { tp: 1, ep: 1 });
    const parts = loadAll(t, model, { tp, ep: 1 });
    const norms = bytesOf(model, /norm/);
    t.is(whole.read, bytesOf(model, /./));
    for (const { read, cached, allocated } of parts) {
      t.is(read, norms + (whole.read - norms) / tp);
      t.is(cached, whole.cached / tp);
      t.true(allocated < whole.allocated * (1 / tp + 0.15), `${allocated} of ${whole.allocated}`);
    }
    // Rank 0 alone gathers the logits.
    const [first, ...others] = parts.map(({ allocated }) => allocated);
    const gathered = HEAD_ROWS * model.config.vocabSize * 4;
    t.deepEqual(others, new Array(tp - 1).fill(first - gathered));
  });
}

test('each rank reads the experts it has, and no others', (t) => {
  const model = shardedMoe();
  const [whole] = loadAll(t, model, { tp: 1, ep: 1 });
  const experts = bytesOf(model, /experts/);
  for (const { read } of loadAll(t, model, { tp: 1, ep: 4 })) t.is(read, whole.read - (experts * 3) / 4);
  const attention = bytesOf(model, /(proj|embed_tokens)\.weight/) - experts;
  for (const { read } of loadAll(t, model, { tp: 2, ep: 2 })) {
    t.is(read, whole.read - experts / 2 - attention / 2);
  }
});
