import test from 'ava';
import { withoutNumbers } from '../../../../generator/review/changes.ts';
import { formatSummaries, hasChanges } from '../../../../generator/review/summary.ts';

const unchanged = (id: string, largest: number) => ({ ...withoutNumbers(id, 'unchanged'), largest });

test('a model without changes is one line with the largest accepted difference, and nothing is to be accepted', (t) => {
  const cases = [unchanged('one', 1e-6), unchanged('two', 3.5e-6)];
  t.is(
    formatSummaries([{ model: 'dense', manifest: [], cases }], false),
    'dense: 2 unchanged (largest difference 3.5e-6), 0 changed, new or removed\n\n' +
      'Recorded 2 cases of dense: the stored goldens are what the reference computes. ' +
      'Nothing is pending, and there is nothing to accept.\n',
  );
});

test('every change is listed with kind, reasons, differences, and flipped tokens with their margins', (t) => {
  const changed = {
    ...withoutNumbers('two', 'changed', 'this differs', 'that differs'),
    flipped: [
      { step: 3, was: 17, now: 4, margin: 0.0123456 },
      { step: 9, was: 1, now: 2, margin: 0 },
    ],
    largest: 0.25,
    rms: 0.0625,
  };
  const cases = [
    unchanged('one', 0),
    changed,
    withoutNumbers('three', 'new', 'no golden'),
    withoutNumbers('four', 'removed', 'no prompt'),
  ];
  const summaries = [
    { model: 'dense', manifest: ['versions a: 1 → 2', 'seed differs'], cases },
    { model: 'moe', manifest: [], cases: [] },
  ];
  t.is(
    formatSummaries(summaries, true),
    `dense: 1 unchanged (largest difference 0.0e+0), 3 changed, new or removed
  manifest: versions a: 1 → 2
  manifest: seed differs
  changed  two: this differs; that differs
           logits: largest difference 2.50e-1, RMS 6.25e-2
           greedy token 3: was 17, is 4; margin was 1.23e-2
           greedy token 9: was 1, is 2; margin was 0.00e+0
  new      three: no golden
  removed  four: no prompt
moe: 0 unchanged, 0 changed, new or removed

Changed goldens are pending. To accept them: npm run goldens:regen -- --accept
`,
  );
});

for (const [what, summary] of [
  ['a case', { model: 'dense', manifest: [], cases: [withoutNumbers('two', 'changed', 'it differs')] }],
  ['a manifest', { model: 'dense', manifest: ['seed differs'], cases: [] }],
] as const) {
  test(`without pending goldens, a difference in ${what} is reported at the end`, (t) => {
    t.regex(
      formatSummaries([{ ...summary, manifest: [...summary.manifest], cases: [...summary.cases] }], false),
      /\n\nThe goldens differ from what the reference computes now\.\n$/,
    );
  });
}

test('a logit that became NaN is shown', (t) => {
  const cases = [{ ...withoutNumbers('two', 'changed', 'a logit differs'), largest: NaN, rms: NaN }];
  t.regex(
    formatSummaries([{ model: 'dense', manifest: [], cases }], false),
    /largest difference NaN, RMS NaN/,
  );
});

test('a summary has changes if its manifest differs or a case is not unchanged', (t) => {
  const summary = { model: 'dense', manifest: [], cases: [unchanged('one', 1e-6)] };
  t.false(hasChanges(summary));
  t.true(hasChanges({ ...summary, manifest: ['seed differs'] }));
  for (const kind of ['new', 'removed', 'changed'] as const) {
    const cases = [...summary.cases, withoutNumbers('two', kind)];
    t.true(hasChanges({ ...summary, cases }), kind);
  }
});
