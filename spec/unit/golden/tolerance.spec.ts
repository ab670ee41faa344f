import test from 'ava';
import {
  ComparisonError,
  isTie,
  logSumExp,
  maxAbs,
  probabilityTolerance,
  tolerance,
} from '../../../golden/tolerance.ts';

/** Two numbers that may differ in their last bits. */
const near = (a: number, b: number) => Math.abs(a - b) <= 1e-12 * Math.abs(b);

test('a value may be off by 1e-5 and 1e-5 of the row’s largest', (t) => {
  t.true(near(tolerance(0, 0), 1e-5));
  t.true(near(tolerance(20, 0), 1e-5 + 20e-5));
  t.true(near(tolerance(20, 2e-6), 1e-5 + 20e-5), 'noise that is small does not widen it');
});

test('or by four times the reference’s own noise, where that is more', (t) => {
  t.true(near(tolerance(20, 1e-5), 4 * 1e-5 * 20));
});

test('a probability may be off by 1e-5 and 1e-4 of itself, or by four times the reference’s noise', (t) => {
  t.true(near(probabilityTolerance(0, 0), 1e-5));
  t.true(near(probabilityTolerance(0.5, 0), 1e-5 + 0.5e-4));
  t.true(near(probabilityTolerance(0.5, 1e-3), 4e-3));
});

test('two logits are a tie if both may be off by as much as parts them', (t) => {
  const bound = 2 * tolerance(20, 0);
  t.true(isTie(0, 20, 0));
  t.true(isTie(bound, 20, 0));
  t.false(isTie(bound * 1.001, 20, 0));
  t.true(isTie(bound * 1.001, 20, 1e-4));
  t.false(isTie(NaN, 20, 0));
  t.false(isTie(0, NaN, 0));
});

test('the largest magnitude is found on either side of 0', (t) => {
  t.is(maxAbs([1, -3, 2]), 3);
  t.is(maxAbs(Float32Array.of(-0, 0)), 0);
  t.is(maxAbs(Float64Array.of(4)), 4);
});

for (const [what, values, message] of [
  ['no value at all', [], /^there is nothing to compare$/],
  ['NaN', [1, NaN], /^the value at index 1 is NaN, not a finite number$/],
  ['infinity', [-Infinity, 1], /^the value at index 0 is -Infinity, not a finite number$/],
] as const) {
  test(`${what} has no magnitude`, (t) => {
    const error = t.throws(() => maxAbs(values), { instanceOf: ComparisonError, message });
    t.is(error.name, 'ComparisonError');
  });
}

test('log Σ exp is exact where the exponentials are', (t) => {
  t.is(logSumExp([0]), 0);
  t.is(logSumExp([3]), 3);
  t.true(near(logSumExp([0, 0, 0, 0]), Math.log(4)));
  t.true(near(logSumExp([Math.log(1), Math.log(2), Math.log(3)]), Math.log(6)));
});

test('log Σ exp neither overflows nor underflows', (t) => {
  t.true(near(logSumExp([1000, 1000]), 1000 + Math.log(2)));
  t.true(near(logSumExp([-1000, -1000]), -1000 + Math.log(2)));
  t.is(logSumExp([0, -1e9]), 0);
  t.is(logSumExp([-Infinity, 5]), 5);
});

test('log Σ exp of NaN is NaN', (t) => {
  t.is(logSumExp([1, NaN]), NaN);
});
