import test from 'ava';
import { ShardingError } from '../../../../engine/errors.ts';
import { checkShardable } from '../../../../engine/model/shardable.ts';
import { spreadDense, spreadMoe } from '../../../support/spread-models.ts';

const dense = spreadDense().config;
const moe = spreadMoe().config;

test('sizes that divide are let pass', (t) => {
  for (const tp of [1, 2, 4, 8]) {
    t.notThrows(() => checkShardable(dense, { tp, ep: 1 }));
    t.notThrows(() => checkShardable(moe, { tp, ep: 1 }));
    t.notThrows(() => checkShardable(moe, { tp, ep: tp }));
    t.notThrows(() => checkShardable(moe, { tp: 1, ep: tp }));
  }
});

test('what is cut by nobody need not divide', (t) => {
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
  [{ intermediateSize: 12 }, { tp: 2, ep: 1 }, /the MLP have a width of 12, .*multiple of 8; .* over 1$/],
  [{ headDim: 5, numAttentionHeads: 10 }, { tp: 2, ep: 1 }, /the query heads have a width of 50/],
  [{ moe: { ...moe.moe!, moeIntermediateSize: 12 } }, { tp: 2, ep: 1 }, /the experts have a width of 12/],
  [{}, { tp: 1, ep: 3 }, /expert parallelism over 3 ranks: 8 experts do not divide; .* over 1, 2, 4, 8$/],
  [
    {},
    { tp: 2, ep: 4 },
    /over 2 and expert parallelism over 4 ranks do not share a group; .*the same number/,
  ],
  [{ moe: undefined }, { tp: 1, ep: 0 }, /over 0 ranks: expected a whole number of at least 1; .* over 1$/],
  [{ moe: undefined }, { tp: 1, ep: 2 }, /this model has no experts; use tensor parallelism/],
] as const;

for (const [change, spread, message] of refused) {
  test(`refused with the reason: ${JSON.stringify(change)} over ${JSON.stringify(spread)}`, (t) => {
    t.throws(() => checkShardable({ ...moe, ...change }, spread), { instanceOf: ShardingError, message });
  });
}
