import test from 'ava';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KvCache } from '../../../../engine/model/kv-cache.ts';
import { Shard } from '../../../../engine/model/shard.ts';
import { Step } from '../../../../engine/model/step.ts';
import { embed, gatherLogits } from '../../../../engine/model/vocabulary.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import { shardedDense } from '../../../support/groups/sharded-models.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { inTurn, rankAlone } from './ranks-in-turn.ts';

const { config } = shardedDense();
const { vocabSize, hiddenSize } = config;
/** A vocabulary in which every number is −0 or negative: a sum with zeros would show. */
const ROWS = Float32Array.from({ length: vocabSize * hiddenSize }, (_, i) => (i % 3 ? -i : -0));
const IDS = [23, 0, 5, 5, 12, 11, 17];

/** A step of a rank, and its rows of the vocabulary. */
function open(group?: ProcessGroup) {
  const tp = group?.size ?? 1;
  const rank = group?.rank ?? 0;
  const kernels = createScalarKernels();
  const shard = new Shard(group, { tp, ep: 1 });
  const cache = new KvCache(kernels, shard.widths(config), { blockSize: 4, numBlocks: 2 });
  const outputs = vocabSize / tp;
  const shape = { outputs, inputs: hiddenSize, dtype: 'F32' as const };
  const matrix = kernels.pack(shape, (first, count) => {
    const begin = (rank * outputs + first) * hiddenSize * 4;
    return new Uint8Array(ROWS.buffer, begin, count * hiddenSize * 4);
  });
  return { step: new Step({ kernels, config, cache, maxRows: 8, shard }), matrix };
}

const expected = Float32Array.from(
  IDS.flatMap((id) => [...ROWS.subarray(id * hiddenSize, (id + 1) * hiddenSize)]),
);

for (const size of [1, 2, 4, 8]) {
  test(`embeddings come from the rank that has them, to the last bit: ${size} ranks`, (t) => {
    const got = new Map<number, Float32Array>();
    inTurn(size, (group) => {
      const { step, matrix } = open(group);
      embed(step, matrix, IDS);
      got.set(group.rank, step.x.slice(0, expected.length));
    });
    for (const x of got.values()) t.is(bitDifference(x, expected), undefined);
    t.is(got.size, size);
  });
}

test('rows of logits are gathered on rank 0', (t) => {
  const part = (rank: number) => Float32Array.from([0, 1, 2, 10, 11, 12], (value) => 100 * rank + value);
  const sent: Uint8Array[] = [];
  const sender = rankAlone(1, 2, (outgoing) => sent.push((outgoing[0] as Uint8Array).slice()));
  gatherLogits(open(sender).step, part(1), 2, new Float32Array(0));
  const receiver = rankAlone(0, 2, (_, incoming) => incoming[1]?.set(sent[0]));
  const logits = new Float32Array(12);
  gatherLogits(open(receiver).step, part(0), 2, logits);
  t.deepEqual([...logits], [0, 1, 2, 100, 101, 102, 10, 11, 12, 110, 111, 112]);
});
