import test from 'ava';
import {
  deviance,
  type FitRows,
  productsOf,
  robustFit,
  withRegressor,
} from '../../../../verify/judge/robust-fit.ts';
import { normals } from './synthetic.ts';

const next = normals('fit');
/** Of 200 rows, of 11 and 13 values in turn. */
const starts = Int32Array.from({ length: 201 }, (_, r) => 12 * r - (r % 2));
const rowOf = Int32Array.from({ length: 2400 }, (_, i) => starts.findLastIndex((begin) => begin <= i));
const draw = () => Float64Array.from({ length: 2400 }, next);
const [first, second] = [draw(), draw()];
const clusters = Array.from({ length: 200 }, (_, r) => Math.floor(r / 4));

/** 0.7 · first − 0.2 · second; noise of 0.1 in even rows, 1 in odd rows; every tenth row is nonsense. */
function rows(nonsense: number): FitRows {
  const noise = Array.from({ length: 200 }, (_, r) => (r % 2 === 0 ? 0.1 : 1));
  const target = first.map((value, i) => {
    const r = rowOf[i];
    return 0.7 * value - 0.2 * second[i] + noise[r] * next() + (r % 10 === 0 ? nonsense * next() : 0);
  });
  return { starts, target, noise, clusters };
}

test('coefficients are found within their standard errors', (t) => {
  const data = rows(0);
  const { coefficients, standardErrors, scale } = robustFit(data, productsOf(data, [first, second]));
  for (const [i, right] of [0.7, -0.2].entries()) {
    t.true(
      Math.abs(coefficients[i] - right) < 4 * standardErrors[i],
      `${coefficients[i]} ± ${standardErrors[i]}`,
    );
    t.true(standardErrors[i] < 0.01);
  }
  t.true(Math.abs(scale - 1) < 0.1);
});

test('what is explained to the last bit has no residuals, and finite figures', (t) => {
  const target = first.map((value) => 0.5 * value);
  const data = { starts, target, noise: new Array<number>(200).fill(1), clusters };
  const { coefficients, standardErrors, scale } = robustFit(data, productsOf(data, [first]));
  t.true(Math.abs(coefficients[0] - 0.5) < 1e-8, `${coefficients[0]}`);
  t.true(standardErrors[0] < 1e-8, `${standardErrors[0]}`);
  t.is(scale, 0.01);
});

test('only the relation of noise in one row to another counts: in other units the scale alone differs', (t) => {
  const data = rows(3);
  const products = productsOf(data, [first, second]);
  const expected = robustFit(data, products);
  for (const unit of [0.01, 100]) {
    const fit = robustFit({ ...data, noise: data.noise.map((noise) => unit * noise) }, products);
    t.true(Math.abs(fit.scale * unit - expected.scale) < 1e-4 * expected.scale, `scale ${fit.scale}`);
    for (const [i, coefficient] of expected.coefficients.entries()) {
      t.true(Math.abs(fit.coefficients[i] - coefficient) < 1e-5, `${fit.coefficients[i]}`);
      const ratio = fit.standardErrors[i] / expected.standardErrors[i];
      t.true(Math.abs(ratio - 1) < 1e-3, `standard errors in the ratio ${ratio}`);
    }
  }
});

test('rows of nonsense hardly move a coefficient', (t) => {
  const data = rows(50);
  const { coefficients } = robustFit(data, productsOf(data, [first, second]));
  t.true(Math.abs(coefficients[0] - 0.7) < 0.02, `${coefficients[0]}`);
});

test('a regressor that is added gives what it gives from the beginning', (t) => {
  const data = rows(0);
  const [whole, added] = [
    productsOf(data, [first, second]),
    withRegressor(data, productsOf(data, [first]), second),
  ];
  t.deepEqual(added.gram, whole.gram);
  t.deepEqual(added.moments, whole.moments);
  t.deepEqual(robustFit(data, added), robustFit(data, whole));
});

test('rows of one cluster that err alike make the standard error larger', (t) => {
  const noise = new Array<number>(200).fill(1);
  // Four rows of a cluster share one error, along the regressor.
  const errors = Array.from({ length: 50 }, next);
  const target = first.map((value, i) => value * errors[clusters[rowOf[i]]]);
  const of = (groups: number[]) => {
    const data = { starts, target, noise, clusters: groups };
    return robustFit(data, productsOf(data, [first])).standardErrors[0];
  };
  t.true(of(clusters) > 1.6 * of(clusters.map((_, r) => r)));
});

test('the deviance falls by what a regressor explains', (t) => {
  const data = rows(0);
  const [without, fit] = [[second], [first, second]].map((some) => robustFit(data, productsOf(data, some)));
  t.true(deviance(without, fit.scale) - deviance(fit, fit.scale) > 50);
});
