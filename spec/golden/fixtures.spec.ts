import test from 'ava';
import { FIXTURES, QUICK_FIXTURES } from '../../generator/fixtures/fixture-specs.ts';
import { type ChosenRow, degeneracies, type FixtureEvidence } from '../support/golden/fixture-degeneracy.ts';
import { evidenceOf } from '../support/golden/fixture-evidence.ts';

for (const model of QUICK_FIXTURES) {
  test(`${model} can fail: a broken engine would not compute the same`, async (t) => {
    const evidence = await evidenceOf(model);
    t.deepEqual(degeneracies(evidence), []);
    t.true(evidence.rows.length > 200);
    t.true(evidence.rows.filter(({ isTie }) => isTie !== undefined).length > 100);
    t.is(evidence.gains.size, 1 + 4 * (FIXTURES[model].config.num_hidden_layers as number));
  });
}

/** Rows of a made-up model that nothing is wrong with. */
const goodRows = Array.from(
  { length: 100 },
  (_, i): ChosenRow => ({
    lastId: i,
    argmax: (i * 37 + 11) % 100,
    logits: Array.from({ length: 100 }, (_, id) => 4 * Math.sin(i + id * 1.7)),
    ...(i < 50 ? {} : { isTie: false }),
  }),
);
const good: FixtureEvidence = {
  vocabSize: 100,
  prompts: [[0, 5], [99]],
  rows: goodRows,
  gains: new Map([['model.norm.weight', [8, 9, 10, 11]]]),
};
const withRows = (share: number, edit: (row: ChosenRow) => Partial<ChosenRow>): FixtureEvidence => {
  const edited = (i: number) => i >= goodRows.length * (1 - share);
  return { ...good, rows: goodRows.map((row, i) => (edited(i) ? { ...row, ...edit(row) } : row)) };
};
const scaled = (factor: number) =>
  withRows(0.11, ({ logits }) => ({ logits: Array.from(logits, (value) => value * factor) }));

test('a fixture that nothing is wrong with is accepted', (t) => {
  t.deepEqual(degeneracies(good), []);
});

const bad: [what: string, evidence: FixtureEvidence, reasons: string[]][] = [
  [
    'echoes its input',
    withRows(0.34, ({ lastId }) => ({ argmax: lastId })),
    ['34 % of rows choose the id they follow on, at most 33 % may'],
  ],
  [
    'chooses the same id in different contexts',
    withRows(0.33, () => ({ argmax: 7 })),
    ['34 % of rows choose id 7, at most 33 % may'],
  ],
  [
    'has logits of hardly any spread',
    scaled(0.1),
    ['11 % of rows have a standard deviation outside 1 to 10, at most 10 % may'],
  ],
  [
    'has logits that leave one choice',
    scaled(10),
    ['11 % of rows have a standard deviation outside 1 to 10, at most 10 % may'],
  ],
  [
    'has logits that are NaN',
    scaled(NaN),
    ['11 % of rows have a standard deviation outside 1 to 10, at most 10 % may'],
  ],
  [
    'cannot tell its greedy tokens apart',
    withRows(0.06, () => ({ isTie: true })),
    ['12 % of greedy steps have a margin below the noise, at most 10 % may'],
  ],
  [
    'was never run greedily',
    { ...good, rows: goodRows.slice(0, 50) },
    ['NaN % of greedy steps have a margin below the noise, at most 10 % may'],
  ],
  [
    'has norms of ones',
    {
      ...good,
      gains: new Map([
        ['q_norm', [1, 1, 1]],
        ['k_norm', [1, 2, 3]],
      ]),
    },
    ['the gains of q_norm are all alike'],
  ],
  [
    'has norms that are hardly spread',
    { ...good, gains: new Map([['k_norm', [1.7, 1.71, 1.69, 1.7]]]) },
    ['the gains of k_norm are all alike'],
  ],
  ['has no norms', { ...good, gains: new Map() }, ['no norm has gains']],
  [
    'never sees the first id',
    { ...good, prompts: [[1, 99]] },
    ['no prompt has id 0, at the edge of the vocabulary'],
  ],
  [
    'never sees the last id',
    { ...good, prompts: [[0, 98]] },
    ['no prompt has id 99, at the edge of the vocabulary'],
  ],
  ['sees one id at a time', { ...good, prompts: [[0, 0], [99]] }, ['no prompt has two different ids']],
];
for (const [what, evidence, reasons] of bad) {
  test(`a fixture that ${what} is rejected, for that reason alone`, (t) => {
    t.deepEqual(degeneracies(evidence), reasons);
  });
}

test('a fixture of which nothing is known is rejected', (t) => {
  t.is(degeneracies({ vocabSize: 1, prompts: [], rows: [], gains: new Map() }).length, 8);
});
