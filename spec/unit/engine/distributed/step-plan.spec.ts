import test from 'ava';
import fc from 'fast-check';
import { decodePlan, encodePlan } from '../../../../engine/distributed/step-plan.ts';

const word = fc.nat(2 ** 31 - 1);
const words = fc.array(word, { maxLength: 5 });

test('every plan comes out of its numbers as it went in', (t) => {
  const plans = fc.record({
    copies: fc.array(fc.record({ from: word, to: word }), { maxLength: 3 }),
    spans: fc.array(fc.record({ ids: words, startPosition: word, blockTable: words }), { maxLength: 4 }),
    rows: words,
  });
  fc.assert(
    fc.property(plans, (plan) => {
      const { spans, ...rest } = decodePlan(encodePlan(plan));
      const plain = spans.map((span) => ({
        ...span,
        ids: Array.from(span.ids),
        blockTable: Array.from(span.blockTable),
      }));
      t.deepEqual({ ...rest, spans: plain }, plan);
    }),
    { seed: 20261122, numRuns: 60 },
  );
});

test('a plan is as long as what is in it', (t) => {
  const span = { ids: [7, 8], startPosition: 5, blockTable: [1] };
  const plan = encodePlan({ copies: [{ from: 2, to: 3 }], spans: [span], rows: [1] });
  t.deepEqual([...plan], [1, 1, 1, 2, 3, 2, 5, 1, 7, 8, 1, 1]);
});
