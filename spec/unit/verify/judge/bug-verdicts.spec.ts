import test from 'ava';
import { align } from '../../../../verify/judge/align.ts';
import { judgeBugs } from '../../../../verify/judge/bug-verdicts.ts';
import type { SubjectCase } from '../../../../verify/judge/judgement.ts';
import { normals, type SyntheticSubject, syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference();

function verdicts(options: SyntheticSubject, from = reference) {
  const { rows } = align(syntheticSubject(from, options), from);
  return Object.fromEntries(judgeBugs(rows, from).map((bug) => [bug.name, bug]));
}

test('an honest engine is accused of no bug, and both are ruled out', (t) => {
  for (const seed of ['a', 'b', 'c', 'd']) {
    const { everywhere, late } = verdicts({ seed });
    t.is(everywhere.verdict, 'ruled out');
    t.is(late.verdict, 'ruled out');
    t.true(Math.abs(everywhere.coefficient) < 4 * everywhere.standardError);
  }
});

test('a bug is named with a coefficient of one, and the other is ruled out', (t) => {
  for (const name of ['everywhere', 'late']) {
    const found = verdicts({ bug: { name, strength: 1 } });
    t.is(found[name].verdict, 'found');
    t.true(Math.abs(found[name].coefficient - 1) < 0.05, `${found[name].coefficient}`);
    t.is(found[name === 'late' ? 'everywhere' : 'late'].verdict, 'ruled out');
  }
});

test('a bug that must explain the error has to be all of it, in most rows that are off', (t) => {
  const judged = (subject: SubjectCase[], bug: string) => {
    const { rows } = align(subject, reference);
    return judgeBugs(rows, reference, { mustExplain: true }).find(({ name }) => name === bug)!.verdict;
  };
  const everywhere = (strength: number) =>
    syntheticSubject(reference, { bug: { name: 'everywhere', strength } });
  t.is(judged(everywhere(1), 'everywhere'), 'found');
  t.is(judged(everywhere(0.8), 'everywhere'), 'cannot tell');
  t.is(judged(syntheticSubject(reference), 'everywhere'), 'ruled out');
  const late = { name: 'late', strength: 1 };
  const [long, short] = syntheticSubject(reference, { bug: late });
  t.is(judged([long, short], 'late'), 'found');
  // What else is wrong in the long case is larger.
  const [noisy] = syntheticSubject(reference, { bug: late, level: 1.5 });
  const rows = long.rows.map((row, i) => (i < 20 ? row : noisy.rows[i]));
  t.is(judged([{ ...long, rows }, short], 'late'), 'cannot tell');
});

test('rows of different cases are independent: short cases tell as exactly as they have rows', (t) => {
  const lengths = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`short-${i}`, 12]));
  const many = syntheticReference(lengths);
  // Noise of 0.08 over a signature of 1, in 16 · 12 rows of 20 values.
  const expected = 0.08 / Math.sqrt(16 * 12 * 20);
  for (const seed of ['a', 'b', 'c', 'd']) {
    const { coefficient, standardError } = verdicts({ seed }, many).everywhere;
    const ratio = standardError / expected;
    t.true(ratio > 0.5 && ratio < 2, `the standard error is ${ratio} times what is expected`);
    t.true(Math.abs(coefficient) < 4 * standardError, `${coefficient} ± ${standardError}`);
  }
});

test('rows of a case that err alike beside each other tell less than their number', (t) => {
  const long = syntheticReference({ long: 320 });
  const [everywhere] = long.signatures;
  const change = everywhere.cases.get('long')!;
  const next = normals('runs');
  // In each run of 16 positions another part of the bug, as if its past had it: 20 independent draws.
  const parts = Array.from({ length: 20 }, () => 0.2 * next());
  const imitated = long.cases[0].rows.map(({ position, ids, truth }, r) => ({
    position,
    ids,
    values: truth.map((value, i) => value + parts[Math.floor(position / 16)] * change[r][i]),
  }));
  const { rows } = align([{ id: 'long', rows: imitated }], long);
  const [{ standardError }] = judgeBugs(rows, long);
  const expected = 0.2 / Math.sqrt(20);
  t.true(
    standardError > expected / 2 && standardError < 2 * expected,
    `${standardError}, expected about ${expected}`,
  );
});

test('a bug below the noise is named too', (t) => {
  const weak = {
    ...reference,
    signatures: reference.signatures.map(({ name, cases }) => ({
      name,
      cases: new Map([...cases].map(([id, rows]) => [id, rows.map((row) => row.map((x) => 0.05 * x))])),
    })),
  };
  const { everywhere } = verdicts({ bug: { name: 'everywhere', strength: 1 } }, weak);
  t.is(everywhere.verdict, 'found');
  t.true(everywhere.coefficient > 5 * everywhere.standardError);
});

test('a significant coefficient that is small is no bug: quantisation is slightly systematic', (t) => {
  const { everywhere } = verdicts({ bug: { name: 'everywhere', strength: 0.1 } });
  t.true(everywhere.coefficient > 6 * everywhere.standardError);
  t.is(everywhere.verdict, 'ruled out');
});

test('a bug of another size is named where it is nearly the whole error, whichever class would hold', (t) => {
  for (const strength of [0.05, 0.5, -0.5, 2]) {
    const { everywhere, late } = verdicts({ bug: { name: 'everywhere', strength }, level: 1e-4 });
    t.is(everywhere.verdict, 'found', `${strength}`);
    t.true(Math.abs(everywhere.coefficient - strength) < 0.01, `${everywhere.coefficient}`);
    t.is(late.verdict, 'ruled out');
  }
  const { everywhere } = verdicts({ bug: { name: 'everywhere', strength: 0.01 }, level: 1e-4 });
  t.is(everywhere.verdict, 'ruled out');
});

test('of bugs that are multiples of each other the one whose size fits is named', (t) => {
  const [everywhere] = reference.signatures;
  const times = (factor: number) =>
    new Map([...everywhere.cases].map(([id, rows]) => [id, rows.map((row) => row.map((x) => factor * x))]));
  const both = { ...reference, signatures: [{ name: 'tenfold', cases: times(10) }, everywhere] };
  const found = verdicts({ bug: { name: 'everywhere', strength: 1 }, level: 1e-4 }, both);
  t.deepEqual([found.everywhere.verdict, found.tenfold.verdict], ['found', 'ruled out']);
});

for (const [strength, level] of [
  [0.57, 0.08],
  [1.45, 0.2],
]) {
  test(`a change that is ${strength} times a bug's is, beside noise, neither that bug nor its absence`, (t) => {
    const { everywhere } = verdicts({ bug: { name: 'everywhere', strength }, level });
    t.true(Math.abs(everywhere.coefficient - strength) < 0.1, `${everywhere.coefficient}`);
    t.is(everywhere.verdict, 'cannot tell');
  });
}

test('a bug that changes nothing is neither found nor ruled out', (t) => {
  const [{ name, cases }, ...others] = reference.signatures;
  const zeros = new Map([...cases].map(([id, rows]) => [id, rows.map((row) => row.map(() => 1e-6))]));
  const { everywhere } = verdicts({}, { ...reference, signatures: [{ name, cases: zeros }, ...others] });
  t.deepEqual(everywhere, {
    name,
    verdict: 'cannot tell',
    coefficient: 0,
    standardError: Number.POSITIVE_INFINITY,
  });
});

test('where noise is large nothing is named that does not explain it', (t) => {
  const { everywhere, late } = verdicts({ level: 2 });
  t.is(everywhere.verdict, 'cannot tell');
  t.is(late.verdict, 'cannot tell');
});

test('of two bugs with nearly the same signature the one that explains most is found', (t) => {
  const [everywhere, late] = reference.signatures;
  const cases = new Map(
    [...everywhere.cases].map(([id, rows]) => [
      id,
      rows.map((row, r) => row.map((x, i) => 0.8 * x + 0.2 * late.cases.get(id)![r][i])),
    ]),
  );
  const related = { ...reference, signatures: [{ name: 'related', cases }, everywhere] };
  const found = verdicts({ bug: { name: 'everywhere', strength: 1 } }, related);
  t.is(found.everywhere.verdict, 'found');
  t.is(found.related.verdict, 'ruled out');
});

test('without signatures or rows there is no verdict on bugs', (t) => {
  t.deepEqual(verdicts({}, { ...reference, signatures: [] }), {});
  t.deepEqual(judgeBugs([], reference), []);
});

test('a bug beside a large one has to be twice as significant: what a large bug leaves is not linear', (t) => {
  const [everywhere, late] = reference.signatures;
  const times = (factor: number) =>
    new Map([...late.cases].map(([id, rows]) => [id, rows.map((row) => row.map((x) => factor * x))]));
  const weak = { ...reference, signatures: [everywhere, { name: 'weak', cases: times(0.025) }] };
  const both = {
    ...weak,
    signatures: [
      {
        name: 'both',
        cases: new Map(
          [...everywhere.cases].map(([id, rows]) => [
            id,
            rows.map((row, r) => row.map((x, i) => x + 0.025 * late.cases.get(id)![r][i])),
          ]),
        ),
      },
    ],
  };
  const { rows } = align(syntheticSubject(both, { bug: { name: 'both', strength: 1 } }), weak);
  const found = Object.fromEntries(judgeBugs(rows, weak).map((bug) => [bug.name, bug]));
  t.is(found.everywhere.verdict, 'found');
  t.is(found.weak.verdict, 'cannot tell');
  const significance = found.weak.coefficient / found.weak.standardError;
  t.true(significance > 6 && significance < 12, `${significance}`);
});
