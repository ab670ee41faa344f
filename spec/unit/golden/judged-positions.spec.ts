import test from 'ava';
import fc from 'fast-check';
import { judgedPositions } from '../../../golden/judged-positions.ts';

test('a short case is judged at every position', (t) => {
  t.deepEqual(judgedPositions({ promptLength: 3, numGreedy: 2, vocabSize: 384 }), [0, 1, 2, 3, 4]);
});

test('a long prompt keeps what goldens store and the row of each greedy token, and spreads the rest', (t) => {
  const positions = judgedPositions({ promptLength: 1000, numGreedy: 16, vocabSize: 384 }, [0, 417, 999]);
  t.is(positions.length, 96);
  for (const position of [0, 417, ...Array.from({ length: 16 }, (_, step) => 999 + step)]) {
    t.true(positions.includes(position), `position ${position}`);
  }
  const gaps = positions.slice(1).map((position, i) => position - positions[i]);
  t.true(Math.max(...gaps) <= 16, `a gap of ${Math.max(...gaps)}`);
});

test('a large vocabulary leaves no more than what is stored and the greedy rows', (t) => {
  const positions = judgedPositions({ promptLength: 5000, numGreedy: 2, vocabSize: 2 ** 24 }, [7]);
  t.deepEqual(positions, [7, 4999, 5000]);
});

test('positions are ascending, distinct and inside, for any size', (t) => {
  const sizes = fc.record({
    promptLength: fc.integer({ min: 1, max: 300 }),
    numGreedy: fc.integer({ min: 0, max: 40 }),
    vocabSize: fc.constantFrom(320, 151_936),
  });
  fc.assert(
    fc.property(sizes, (drawn) => {
      const positions = judgedPositions(drawn);
      const last = drawn.promptLength + drawn.numGreedy - 1;
      t.true(positions.every((p, i) => p >= 0 && p <= last && (i === 0 || p > positions[i - 1])));
      t.true(positions.length >= Math.min(drawn.promptLength, 96));
    }),
  );
  t.pass();
});
