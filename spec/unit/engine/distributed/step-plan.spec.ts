import test from 'ava';
import fc from 'fast-check';
import {
  decodePlan,
  encodePlan,
  NO_TIMEOUT,
  receivePlan,
  sendPlan,
} from '../../../../engine/distributed/step-plan.ts';
import { limitsOf, oneWayPair } from './one-way-pair.ts';

const word = fc.nat(2 ** 31 - 1);
const words = fc.array(word, { maxLength: 5 });

test('a decoded plan is the plan that was encoded', (t) => {
  const plans = fc.record({
    copies: fc.array(fc.record({ from: word, to: word }), { maxLength: 3 }),
    spans: fc.array(fc.record({ ids: words, startPosition: word, blockTable: words }), { maxLength: 4 }),
    logitsRows: words,
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

test('an encoded plan has three counts, then copies, spans and rows', (t) => {
  const span = { ids: [7, 8], startPosition: 5, blockTable: [1] };
  const plan = encodePlan({ copies: [{ from: 2, to: 3 }], spans: [span], logitsRows: [1] });
  t.deepEqual([...plan], [1, 1, 1, 2, 3, 2, 5, 1, 7, 8, 1, 1]);
});

test('a rank receives the plans that rank 0 has sent, and that there are no more', (t) => {
  const { sender, receiver } = oneWayPair();
  const plan = { copies: [{ from: 2, to: 3 }], spans: [], logitsRows: [1, 4] };
  sendPlan(sender, plan);
  sendPlan(sender, undefined);
  const { group, limits } = limitsOf(receiver);
  t.deepEqual(receivePlan(group), plan);
  t.is(receivePlan(group), undefined);
  // Rank 0 may idle for any time before a step, and then sends it at once.
  t.deepEqual(limits, [NO_TIMEOUT, undefined, NO_TIMEOUT]);
});
