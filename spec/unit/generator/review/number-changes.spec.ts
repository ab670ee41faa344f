import test from 'ava';
import { largest } from '../../../../generator/recording/case-tensors.ts';
import { compareNumbers, type Recording } from '../../../../generator/review/number-changes.ts';
import { TOP } from '../../../../golden/schema.ts';
import { FIRST_STEP, type MakeOptions, makeRecording, SAMPLED, WHOLE } from '../recording/recordings.ts';

const SAMPLE = SAMPLED.vocabularySample!;
/** Rows reach about 6, so the tolerance is about 7e-5. */
const WITHIN = 3e-5;
const BEYOND = 3e-4;

/** The changes of a golden whose stored numbers were edited. */
function edited(edit: (was: Recording) => void, selection = WHOLE) {
  const was = makeRecording({ selection });
  edit(was);
  return compareNumbers(was, makeRecording({ selection }), selection.vocabularySample);
}

/** The changes of a golden after the reference computes other numbers. */
function recomputed(options: MakeOptions, selection = WHOLE) {
  const was = makeRecording({ selection });
  return compareNumbers(was, makeRecording({ ...options, selection }), selection.vocabularySample);
}

for (const [name, selection] of [
  ['whole rows', WHOLE],
  ['sampled rows', SAMPLED],
] as const) {
  test(`${name}: the same numbers are no change`, (t) => {
    const nothing = { reasons: [], flipped: [], largest: 0, rms: 0 };
    t.deepEqual(recomputed({}, selection), nothing);
  });

  test(`${name}: a difference within the noise is no change, and its size is reported`, (t) => {
    const { reasons, flipped, largest, rms } = recomputed(
      { rows: (rows) => rows.forEach((row) => void row.set(row.map((value) => value + WITHIN))) },
      selection,
    );
    t.deepEqual([reasons, flipped], [[], []]);
    t.true(largest > 0.9 * WITHIN && largest < 1.1 * WITHIN, `${largest}`);
    t.true(rms > 0.9 * WITHIN && rms < 1.1 * WITHIN, `${rms}`);
  });

  test(`${name}: a logit that differs beyond the noise is a change`, (t) => {
    const { reasons, largest } = recomputed({ rows: ([row]) => (row[SAMPLE[2]] += BEYOND) }, selection);
    t.regex(reasons[0], /^1 of \d+ logits differ beyond the noise$/);
    t.true(largest > 0.9 * BEYOND);
  });

  test(`${name}: the reference’s own noise widens the bound`, (t) => {
    const noisy = ({ golden }: Recording) => {
      golden.noise.logits = 1e-4;
    };
    const [was, is] = [
      makeRecording({ selection }),
      makeRecording({ selection, rows: ([row]) => (row[0] += BEYOND) }),
    ];
    noisy(was);
    noisy(is);
    t.deepEqual(compareNumbers(was, is, selection.vocabularySample).reasons, []);
  });

  for (const side of ['golden', 'recording']) {
    test(`${name}: NaN in the ${side} is a change`, (t) => {
      const [was, is] = [makeRecording({ selection }), makeRecording({ selection })];
      (side === 'golden' ? was : is).tensors.logits[1] = NaN;
      const { reasons, largest } = compareNumbers(was, is, selection.vocabularySample);
      t.regex(reasons.join(), /\d+ of \d+ logits differ beyond the noise/);
      t.is(largest, NaN);
    });
  }
}

const edits: [what: string, edit: (was: Recording) => void, reason: RegExp][] = [
  [
    'float64 logits',
    ({ tensors }) => (tensors.logitsFloat64![7] += BEYOND),
    /^1 of \d+ float64 logits differ/,
  ],
  ['hidden states', ({ tensors }) => (tensors.hiddenStates![9] += BEYOND), /^1 of \d+ hidden states differ/],
  [
    'a hidden state that is NaN',
    ({ tensors }) => (tensors.hiddenStates![0] = NaN),
    /^1 of \d+ hidden states/,
  ],
  [
    'margins',
    ({ golden }) => (golden.greedy.margins[1] += BEYOND),
    /^1 of 3 margins differ beyond the noise$/,
  ],
  ['the greedy text', ({ golden }) => (golden.greedy.text = 'edited'), /^the greedy text differs$/],
  ['noise of logits', ({ golden }) => (golden.noise.logits = 0.01), /^noise\.logits is \d.*, was 0\.01$/],
  ['noise of probabilities', ({ golden }) => (golden.noise.probabilities = 1), /^noise\.probabilities is /],
  ['the root mean square', ({ golden }) => (golden.noise.logitsRms = 1), /^noise\.logitsRms is /],
  ['noise of a stage', ({ golden }) => (golden.noise.hiddenStates[2] = 1), /^noise\.hiddenStates\.2 is /],
  [
    'missing float64 logits',
    ({ tensors }) => delete tensors.logitsFloat64,
    /^\d+ float64 logits are stored, 0 were$/,
  ],
  [
    'missing hidden states',
    ({ tensors }) => delete tensors.hiddenStates,
    /^\d+ hidden states are stored, 0 were$/,
  ],
  ['fewer tokens', ({ golden }) => golden.greedy.tokens.pop(), /^3 greedy tokens are stored, 2 were$/],
  ['fewer margins', ({ golden }) => golden.greedy.margins.pop(), /^3 margins are stored, 2 were$/],
  [
    'fewer logits',
    ({ tensors }) => (tensors.logits = tensors.logits.slice(1)),
    /^288 logits are stored, 287 were$/,
  ],
];
for (const [what, edit, reason] of edits) {
  test(`an edited golden is a change, and the reason names the edit: ${what}`, (t) => {
    t.regex(edited(edit).reasons.join('; '), reason);
  });
}

test('of lists whose lengths differ no number is compared', (t) => {
  const changes = edited(({ tensors }) => (tensors.logits = tensors.logits.slice(1)));
  t.deepEqual(
    { ...changes, reasons: changes.reasons.length },
    { reasons: 1, flipped: [], largest: 0, rms: 0 },
  );
});

const sampledEdits: [what: string, edit: (was: Recording) => void, reason: RegExp][] = [
  [
    'the row maximum',
    ({ tensors }) => (tensors.sampled!.rowMax[3] += 1),
    /^1 of 12 row maxima and log-sum-exps/,
  ],
  [
    'log Σ exp',
    ({ tensors }) => (tensors.sampled!.logSumExp[3] += 1),
    /^1 of 12 row maxima and log-sum-exps/,
  ],
  [
    'a row maximum that was smaller',
    ({ tensors }) => (tensors.sampled!.rowMax[3] -= 1),
    /^1 of 12 row maxima and log-sum-exps/,
  ],
  [
    'log Σ exp that was smaller',
    ({ tensors }) => (tensors.sampled!.logSumExp[3] -= 1),
    /^1 of 12 row maxima and log-sum-exps/,
  ],
  ['projections', ({ tensors }) => (tensors.hiddenStates![4] += BEYOND), /^1 of 18 hidden states differ/],
  [
    'the id of the largest logit',
    ({ tensors }) => (tensors.sampled!.topIds[0] = 46),
    /^\d+ of \d+ logits differ beyond the noise/,
  ],
  [
    'an id, for one that is among the largest already',
    ({ tensors }) => (tensors.sampled!.topIds[0] = tensors.sampled!.topIds[1]),
    /^\d+ of \d+ logits differ beyond the noise/,
  ],
  [
    'missing samples',
    ({ tensors }) => delete tensors.sampled,
    /^120 top ids are stored, 0 were; 6 row maxima are stored, 0 were; 6 log-sum-exps are stored, 0 were$/,
  ],
];
for (const [what, edit, reason] of sampledEdits) {
  test(`an edited golden of sampled rows is a change: ${what}`, (t) => {
    t.regex(edited(edit, SAMPLED).reasons.join('; '), reason);
  });
}

test("noise of about the same size, such as another CPU's, is no change", (t) => {
  const { reasons } = edited(({ golden: { noise } }) => {
    noise.logits *= 3;
    noise.logitsRms *= 3;
    noise.hiddenStates = noise.hiddenStates.map((value) => value / 3);
  });
  t.deepEqual(reasons, []);
});

/** Swaps the two ids at the border of the largest, by `by` logits. */
function crossBorder(by: number) {
  return (rows: Float32Array[]) => {
    const order = largest(rows[0], TOP + 1);
    const [last, next] = [order[TOP - 1], order[TOP]];
    rows[0][next] = rows[0][last] + by;
  };
}

test('an id that replaces another among the largest within the noise is no change', (t) => {
  const was = makeRecording({ selection: SAMPLED, rows: crossBorder(-1e-5) });
  const is = makeRecording({ selection: SAMPLED, rows: crossBorder(1e-5) });
  t.notDeepEqual(is.tensors.sampled!.topIds, was.tensors.sampled!.topIds);
  t.deepEqual(compareNumbers(was, is, SAMPLE).reasons, []);
});

for (const direction of ['joins', 'leaves'] as const) {
  test(`an id that ${direction} the largest by more than the noise is a change`, (t) => {
    const ordinary = makeRecording({ selection: SAMPLED });
    const crossed = makeRecording({ selection: SAMPLED, rows: crossBorder(0.01) });
    const [was, is] = direction === 'joins' ? [ordinary, crossed] : [crossed, ordinary];
    t.regex(compareNumbers(was, is, SAMPLE).reasons[0], /^1 of \d+ logits differ beyond the noise$/);
  });
}

/** Raises the second-best id of a greedy step `by` logits above the best. */
function overtake(step: number, by: number) {
  return (rows: Float32Array[]) => {
    const row = rows[FIRST_STEP + step];
    const [best, second] = largest(row, 2);
    row[second] = row[best] + by;
  };
}

for (const [name, selection] of [
  ['whole rows', WHOLE],
  ['sampled rows', SAMPLED],
] as const) {
  test(`${name}: a flipped token within the noise is reported, but no change`, (t) => {
    const was = makeRecording({ selection, rows: overtake(1, -2e-5) });
    const is = makeRecording({ selection, rows: overtake(1, 2e-5) });
    const { reasons, flipped } = compareNumbers(was, is, selection.vocabularySample);
    t.deepEqual(reasons, []);
    const { tokens, margins } = was.golden.greedy;
    t.deepEqual(flipped, [{ step: 1, was: tokens[1], now: is.golden.greedy.tokens[1], margin: margins[1] }]);
    t.not(tokens[1], is.golden.greedy.tokens[1]);
  });

  test(`${name}: a flipped token with a margin above the noise is a change`, (t) => {
    const { reasons, flipped } = recomputed({ rows: overtake(1, 0.5) }, selection);
    t.is(flipped.length, 1);
    t.regex(
      reasons.join('; '),
      /greedy token 1 changed: the old one is now 0\.5\d* below the new one; its recorded margin was/,
    );
  });

  test(`${name}: an edited token is a change, whatever its margin`, (t) => {
    const { reasons, flipped } = edited(({ golden }) => {
      golden.greedy.tokens[2] = 46;
      golden.greedy.margins[2] = 0;
    }, selection);
    t.is(flipped[0].was, 46);
    t.regex(reasons.join('; '), /^greedy token 2 changed: /);
  });
}

test('after a flipped token nothing is compared, because the texts differ', (t) => {
  const was = makeRecording({ rows: overtake(1, -2e-5) });
  const is = makeRecording({
    rows: (rows) => {
      overtake(1, 2e-5)(rows);
      rows[FIRST_STEP + 2].fill(1);
    },
  });
  t.deepEqual(compareNumbers(was, is).reasons, []);
});

test('the logits of the flipped token itself are compared', (t) => {
  const was = makeRecording({ rows: overtake(1, -2e-5) });
  const is = makeRecording({
    rows: (rows) => {
      overtake(1, 2e-5)(rows);
      rows[FIRST_STEP + 1][20] += BEYOND;
    },
  });
  t.regex(compareNumbers(was, is).reasons[0], /^1 of \d+ logits differ beyond the noise$/);
});

test('recordings of a foreign graph, which have only logits, are compared', (t) => {
  const foreign = () => {
    const { golden, tensors } = makeRecording();
    const noise = { logits: 0, probabilities: 0, logitsRms: 0, hiddenStates: [] };
    const { text: _, ...greedy } = golden.greedy;
    return { golden: { ...golden, greedy, noise }, tensors: { logits: tensors.logits } };
  };
  const was = foreign();
  t.deepEqual(compareNumbers(was, foreign()).reasons, []);
  was.tensors.logits[0] += BEYOND;
  t.is(compareNumbers(was, foreign()).reasons.length, 1);
});
