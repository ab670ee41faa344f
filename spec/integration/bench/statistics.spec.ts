import test from 'ava';
import fc from 'fast-check';
import { type Measurement, titleOf, toFigures } from '../../bench/figure.ts';
import { quantile, summarize, timesBetter, workPerSecond } from '../../bench/statistics.ts';

const sample = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const samples = fc.array(sample, { minLength: 1, maxLength: 30 });

test('a summary has the order statistics of its samples, interpolated between adjacent ones', (t) => {
  t.deepEqual(summarize([7]), { count: 1, min: 7, lowerQuartile: 7, median: 7, upperQuartile: 7, max: 7 });
  t.deepEqual(summarize([10, 1, 3, 2]), {
    count: 4,
    min: 1,
    lowerQuartile: 1.75,
    median: 2.5,
    upperQuartile: 4.75,
    max: 10,
  });
  t.is(quantile([0, 10], 0.95), 9.5);
});

test('as many samples lie below the median as above it, and quartiles are in order', (t) => {
  fc.assert(
    fc.property(samples, (values) => {
      const { min, lowerQuartile, median, upperQuartile, max, count } = summarize(values);
      t.is(count, values.length);
      t.deepEqual([min, max], [Math.min(...values), Math.max(...values)]);
      t.true(
        min <= lowerQuartile && lowerQuartile <= median && median <= upperQuartile && upperQuartile <= max,
      );
      const below = values.filter((value) => value < median).length;
      const above = values.filter((value) => value > median).length;
      t.true(below <= count / 2 && above <= count / 2);
    }),
    { seed: 20261122, numRuns: 200 },
  );
});

test('the order of samples makes no difference, and their own order is left alone', (t) => {
  const values = [3, 1, 2];
  t.deepEqual(summarize(values), summarize([1, 2, 3]));
  t.deepEqual(values, [3, 1, 2]);
});

test('nothing, and what is not finite, is refused', (t) => {
  t.throws(() => summarize([]), {
    instanceOf: RangeError,
    message: /^cannot summarise 0 samples; expected one/,
  });
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => summarize([1, bad]), {
      instanceOf: RangeError,
      message: new RegExp(`one of them ${bad}`),
    });
  }
});

test('work per second counts every run until the least time is over, and one at least', (t) => {
  for (const [leastMs, expected] of [
    [0, 1],
    [10, 1],
    [11, 2],
    [95, 10],
  ]) {
    let runs = 0;
    // Every run takes ten milliseconds.
    const perSecond = workPerSecond(() => void runs++, { work: 3, leastMs, now: () => 10 * runs });
    t.deepEqual([runs, perSecond], [expected, 300]);
  }
});

test('better is more where high figures are better, and less where low ones are', (t) => {
  t.is(timesBetter(30, 10, 'higher'), 3);
  t.is(timesBetter(30, 10, 'lower'), 1 / 3);
});

const measurement = (subject: string, variant: string, samples: number[]): Measurement => ({
  task: 'time per token',
  variant,
  subject,
  unit: 'ms',
  better: 'lower',
  samples,
  limit: { value: 5, from: 'reading' },
});

test('figures compare medians within a variant of a task, and with the limit', (t) => {
  const figures = toFigures('latency', [
    measurement('ours', 'batch 1', [10, 10, 90]),
    measurement('theirs', 'batch 1', [20]),
    measurement('third', 'batch 1', [5]),
    measurement('theirs', 'batch 2', [1]),
  ]);
  t.deepEqual(
    figures.map(({ timesBetterThan }) => timesBetterThan),
    [{ theirs: 2, third: 0.5 }, { ours: 0.5, third: 0.25 }, { ours: 2, theirs: 4 }, {}],
  );
  t.deepEqual(
    figures.map(({ partOfLimit }) => partOfLimit),
    [0.5, 0.25, 1, 5],
  );
  t.deepEqual(
    figures.map((figure) => [figure.suite, titleOf(figure)]),
    [1, 1, 1, 2].map((batch) => ['latency', `time per token, batch ${batch}`]),
  );
  t.false('partOfLimit' in toFigures('memory', [{ ...measurement('ours', 'x', [1]), limit: undefined }])[0]);
});
