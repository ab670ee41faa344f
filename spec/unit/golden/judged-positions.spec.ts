import test from 'ava';
import fc from 'fast-check';
import { judgedPositions } from '../../../golden/judged-positions.ts';

test('a short case is judged at every position', (t) => {
  t.deepEqual(judgedPositions(3, 2), [0, 1, 2, 3, 4]);
});

test('a long prompt keeps what goldens store and the row of each greedy token', (t) => {
  const greedy = Array.from({ length: 17 }, (_, step) => 999 + step);
  t.deepEqual(judgedPositions(1000, 16, [0, 417, 999]), [0, 417, ...greedy]);
});

test('a long prompt without goldens is judged at positions spread evenly over it', (t) => {
  const positions = judgedPositions(1000, 16);
  t.is(positions.length, 32 + 16);
  t.is(positions[0], 0);
  const gaps = positions.slice(1).map((position, i) => position - positions[i]);
  t.true(Math.max(...gaps) <= 33, `a gap of ${Math.max(...gaps)}`);
});

test('positions are ascending, distinct and inside, for any length', (t) => {
  const lengths = [fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 40 })] as const;
  fc.assert(
    fc.property(...lengths, (promptLength, numGreedy) => {
      const positions = judgedPositions(promptLength, numGreedy);
      const isAscending = positions.every((p, i) => i === 0 || p > positions[i - 1]);
      return isAscending && positions[0] === 0 && positions.at(-1) === promptLength + numGreedy - 1;
    }),
  );
  t.pass();
});

test('up to 96 positions all are judged; beyond, 32 of the prompt, and all that tokens are chosen from', (t) => {
  const upTo = (length: number) => Array.from({ length }, (_, i) => i);
  t.deepEqual(judgedPositions(92, 4), upTo(96));
  t.deepEqual(judgedPositions(92, 5, []), [91, 92, 93, 94, 95, 96], 'from the row of the first token on');
  const spread = judgedPositions(311, 2);
  t.deepEqual(spread, [...upTo(32).map((i) => 10 * i), 311, 312]);
});
