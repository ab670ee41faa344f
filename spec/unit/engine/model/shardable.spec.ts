import test from 'ava';
import fc from 'fast-check';
import type { ModelConfig } from '../../../../engine/config.ts';
import { ShardingError } from '../../../../engine/errors.ts';
import type { Parallelism } from '../../../../engine/model/shard.ts';
import { checkShardable } from '../../../../engine/model/shardable.ts';
import { shardedDense, shardedMoe } from '../../../support/groups/sharded-models.ts';

const dense = shardedDense().config;
const moe = shardedMoe().config;

test('sizes that divide are accepted', (t) => {
  for (const tp of [1, 2, 4, 8]) {
    t.notThrows(() => checkShardable(dense, { tp, ep: 1 }));
    t.notThrows(() => checkShardable(moe, { tp, ep: 1 }));
    t.notThrows(() => checkShardable(moe, { tp, ep: tp }));
    t.notThrows(() => checkShardable(moe, { tp: 1, ep: tp }));
  }
});

test('a size that no rank shares need not divide', (t) => {
  const odd = { ...dense, intermediateSize: 7, vocabSize: 23, numKeyValueHeads: 1, headDim: 3 };
  t.notThrows(() => checkShardable(odd, { tp: 1, ep: 1 }));
  const experts = { ...moe.moe!, sparseLayers: [true, true] };
  t.notThrows(() => checkShardable({ ...moe, intermediateSize: 7, moe: experts }, { tp: 2, ep: 1 }));
  t.notThrows(() =>
    checkShardable({ ...moe, moe: { ...moe.moe!, moeIntermediateSize: 7 } }, { tp: 2, ep: 2 }),
  );
});

const TENSOR = (tp: number) => `tensor parallelism over ${tp} ranks`;
const EXPERT = (ep: number) => `expert parallelism over ${ep} ranks`;
const notShared = (tp: number, ep: number) =>
  `tensor parallelism over ${tp} and expert parallelism over ${ep} ranks do not share a group; with both, expected the ` +
  'same number: the ranks that share the attention share out the experts';
/** Changes of a mixture, the numbers of ranks, what does not divide, and the numbers of ranks that do. */
const refused: [Partial<ModelConfig>, Parallelism, string, string][] = [
  [{}, { tp: 3, ep: 1 }, `${TENSOR(3)}: expected one of 1, 2, 4, 8`, '1, 2, 4, 8'],
  [{ numKeyValueHeads: 2 }, { tp: 4, ep: 1 }, `${TENSOR(4)}: 2 key/value heads do not divide`, '1, 2'],
  [{ vocabSize: 18 }, { tp: 4, ep: 1 }, `${TENSOR(4)}: a vocabulary of 18 does not divide`, '1, 2'],
  [
    { intermediateSize: 12 },
    { tp: 2, ep: 1 },
    `${TENSOR(2)}: the MLP have a width of 12; expected a multiple of 8`,
    '1',
  ],
  [
    { headDim: 5, numAttentionHeads: 10 },
    { tp: 2, ep: 1 },
    `${TENSOR(2)}: the query heads have a width of 50; expected a multiple of 8`,
    '1',
  ],
  [
    { moe: { ...moe.moe!, moeIntermediateSize: 12 } },
    { tp: 2, ep: 1 },
    `${TENSOR(2)}: the experts have a width of 12; expected a multiple of 8`,
    '1',
  ],
  [{}, { tp: 1, ep: 3 }, `${EXPERT(3)}: 8 experts do not divide`, '1, 2, 4, 8'],
  [{}, { tp: 2, ep: 4 }, notShared(2, 4), '1, 2, 4, 8'],
  [{}, { tp: 8, ep: 4 }, notShared(8, 4), '1, 2, 4, 8'],
  [
    { moe: { ...moe.moe!, numExperts: 6 } },
    { tp: 4, ep: 4 },
    `${EXPERT(4)}: 6 experts do not divide`,
    '1, 2',
  ],
  [{ numKeyValueHeads: 2 }, { tp: 4, ep: 4 }, `${TENSOR(4)}: 2 key/value heads do not divide`, '1, 2'],
  [{ moe: undefined }, { tp: 1, ep: 0 }, `${EXPERT(0)}: expected a whole number of at least 1`, '1'],
  [
    { moe: undefined },
    { tp: 1, ep: 2 },
    `${EXPERT(2)}: this model has no experts; use tensor parallelism`,
    '1, 2, 4, 8',
  ],
];

for (const [change, spread, problem, sizes] of refused) {
  test(`refused with the reason: ${JSON.stringify(change)} over ${JSON.stringify(spread)}`, (t) => {
    t.throws(() => checkShardable({ ...moe, ...change }, spread), {
      instanceOf: ShardingError,
      message: `${problem}; this model can be sharded so over ${sizes}`,
    });
  });
}

test('a refusal names at least one size, and all named sizes are accepted', (t) => {
  const size = fc.integer({ min: 1, max: 12 });
  const drawn = fc.record({
    spread: fc.record({ tp: size, ep: size }),
    kvHeads: size,
    numExperts: fc.option(size, { nil: undefined }),
    vocabSize: fc.integer({ min: 8, max: 64 }),
    intermediateSize: fc.constantFrom(8, 12, 24),
    moeIntermediateSize: fc.constantFrom(7, 8),
  });
  let refusals = 0;
  const property = fc.property(drawn, ({ spread, kvHeads, numExperts, moeIntermediateSize, ...widths }) => {
    const mixture = numExperts === undefined ? undefined : { ...moe.moe!, numExperts, moeIntermediateSize };
    const config = {
      ...moe,
      ...widths,
      numKeyValueHeads: kvHeads,
      numAttentionHeads: 8 * kvHeads,
      moe: mixture,
    };
    const refusal = refusalOf(config, spread);
    if (refusal === undefined) return;
    refusals++;
    const { tp, ep } = spread;
    const sizes = / so over ([\d, ]+)$/.exec(refusal)?.[1].split(', ').map(Number) ?? [];
    t.true(sizes.length > 0, refusal);
    for (const each of sizes) {
      const other = { tp: tp === 1 && mixture ? 1 : each, ep: ep === 1 || !mixture ? 1 : each };
      t.is(refusalOf(config, other), undefined, refusal);
    }
  });
  fc.assert(property, { seed: 20261122, numRuns: 200 });
  t.true(refusals > 100, `${refusals}`);
});

function refusalOf(config: ModelConfig, spread: Parallelism): string | undefined {
  try {
    checkShardable(config, spread);
    return undefined;
  } catch (error) {
    return (error as ShardingError).message;
  }
}
