import test from 'ava';
import { withoutNumbers } from '../../../../generator/review/changes.ts';
import { describe } from '../../../../generator/review/summary.ts';

const unchanged = (id: string, largest: number) => ({ ...withoutNumbers(id, 'unchanged'), largest });

test('a model without changes is one line, with the largest difference that was let pass', (t) => {
  const cases = [unchanged('one', 1e-6), unchanged('two', 3.5e-6)];
  t.is(
    describe([{ model: 'dense', manifest: [], cases }], false),
    'dense: 2 unchanged (largest difference 3.5e-6), 0 changed, new or gone\n',
  );
});

test('every change is told: what, why, how far, and which tokens flipped with what margin', (t) => {
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
    withoutNumbers('three', 'new', 'there is none yet'),
    withoutNumbers('four', 'gone', 'nobody asks'),
  ];
  const summaries = [
    { model: 'dense', manifest: ['versions a: 1 → 2', 'seed differs'], cases },
    { model: 'moe', manifest: [], cases: [] },
  ];
  t.is(
    describe(summaries, true),
    `dense: 1 unchanged (largest difference 0.0e+0), 3 changed, new or gone
  manifest: versions a: 1 → 2
  manifest: seed differs
  changed  two: this differs; that differs
           logits: largest difference 2.50e-1, RMS 6.25e-2
           greedy token 3: was 17, is 4; margin was 1.23e-2
           greedy token 9: was 1, is 2; margin was 0.00e+0
  new      three: there is none yet
  gone     four: nobody asks
moe: 0 unchanged, 0 changed, new or gone

What changed is pending. Take it with: npm run goldens:regen -- --accept
`,
  );
});

for (const [what, summary] of [
  ['a case', { model: 'dense', manifest: [], cases: [withoutNumbers('two', 'changed', 'it differs')] }],
  ['a manifest', { model: 'dense', manifest: ['seed differs'], cases: [] }],
] as const) {
  test(`where nothing is written, a difference in ${what} is told at the end`, (t) => {
    t.regex(
      describe([{ ...summary, manifest: [...summary.manifest], cases: [...summary.cases] }], false),
      /\n\nThe goldens differ from what the reference computes now\.\n$/,
    );
  });
}

test('a logit that became NaN does not look like none', (t) => {
  const cases = [{ ...withoutNumbers('two', 'changed', 'a logit differs'), largest: NaN, rms: NaN }];
  t.regex(describe([{ model: 'dense', manifest: [], cases }], false), /largest difference NaN, RMS NaN/);
});
