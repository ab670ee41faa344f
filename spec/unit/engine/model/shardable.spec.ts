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

const refused = [
  [{}, { tp: 3, ep: 1 }, /over 3 ranks: expected one of 1, 2, 4, 8; .* over 1, 2, 4, 8$/],
  [
    { numKeyValueHeads: 2 },
    { tp: 4, ep: 1 },
    /over 4 ranks: 2 key\/value heads do not divide; .* over 1, 2$/,
  ],
  [{ vocabSize: 18 }, { tp: 4, ep: 1 }, /a vocabulary of 18 does not divide; .* over 1, 2$/],
  [{ intermediateSize: 12 }, { tp: 2, ep: 1 }, /the MLP have a width of 12; .*multiple of 8; .* over 1$/],
  [{ headDim: 5, numAttentionHeads: 10 }, { tp: 2, ep: 1 }, /the query heads have a width of 50; .* over 1$/],
  [
    { moe: { ...moe.moe!, moeIntermediateSize: 12 } },
    { tp: 2, ep: 1 },
    /the experts have a width of 12; .* over 1$/,
  ],
  [{}, { tp: 1, ep: 3 }, /expert parallelism over 3 ranks: 8 experts do not divide; .* over 1, 2, 4, 8$/],
  [
    {},
    { tp: 2, ep: 4 },
    /over 2 and expert parallelism over 4 ranks do not share a group; .*the same number: .* so over 1, 2, 4, 8$/,
  ],
  [{}, { tp: 8, ep: 4 }, /over 8 and expert parallelism over 4 ranks do not share .* so over 1, 2, 4, 8$/],
  [
    { moe: { ...moe.moe!, numExperts: 6 } },
    { tp: 4, ep: 4 },
    /over 4 ranks: 6 experts do not .* so over 1, 2$/,
  ],
  [{ numKeyValueHeads: 2 }, { tp: 4, ep: 4 }, /over 4 ranks: 2 key\/value heads do not .* so over 1, 2$/],
  [{ moe: undefined }, { tp: 1, ep: 0 }, /over 0 ranks: expected a whole number of at least 1; .* over 1$/],
  [
    { moe: undefined },
    { tp: 1, ep: 2 },
    /this model has no experts; use tensor parallelism; .* so over 1, 2, 4, 8$/,
  ],
] as const;

for (const [change, spread, message] of refused) {
  test(`refused with the reason: ${JSON.stringify(change)} over ${JSON.stringify(spread)}`, (t) => {
    t.throws(() => checkShardable({ ...moe, ...change }, spread), { instanceOf: ShardingError, message });
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
