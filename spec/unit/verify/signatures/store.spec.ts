import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { readModelConfig } from '../../../../engine/index.ts';
import { QUICK_FIXTURES } from '../../../../generator/fixtures/fixture-specs.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { goldenCases } from '../../../../verify/reference/golden-cases.ts';
import { bugsOf } from '../../../../verify/signatures/bugs.ts';
import {
  hasSignatures,
  readSignatures,
  recordingHint,
  writeSignatures,
} from '../../../../verify/signatures/store.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { syntheticReference } from '../judge/synthetic.ts';

trackResources(test);

const reference = syntheticReference();
const writeJson = (path: string, json: unknown) => writeFileSync(path, JSON.stringify(json));

function written(t: Parameters<typeof temporaryFolder>[0], signatures = reference.signatures): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'model'));
  writeSignatures({ model: 'model', truth: reference.cases, signatures, writeJson, folder });
  return folder;
}

test('signatures are read as they were written, to an eighth bit of the row’s largest', (t) => {
  const folder = written(t);
  t.true(hasSignatures('model', folder));
  t.false(hasSignatures('other', folder));
  const { signatures: read, unrecorded } = readSignatures('model', reference.cases, folder);
  t.deepEqual(unrecorded, []);
  t.deepEqual(
    read.map(({ name }) => name),
    ['everywhere', 'late'],
  );
  for (const [s, { cases }] of read.entries()) {
    for (const [id, rows] of cases) {
      for (const [r, row] of rows.entries()) {
        const right = reference.signatures[s].cases.get(id)![r];
        const largest = right.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
        for (const [i, value] of row.entries()) t.true(Math.abs(value - right[i]) <= (0.51 * largest) / 127);
      }
    }
  }
});

test('how far each bug changes the rows is written beside them, in three digits', (t) => {
  const { bugs } = JSON.parse(readFileSync(join(written(t), 'model', 'signatures.json'), 'utf8'));
  for (const { name, cases } of reference.signatures) {
    const levels = [...cases.values()].flat().map((row) => Math.hypot(...row) / Math.sqrt(row.length));
    const sorted = levels.sort((a, b) => a - b);
    const [median, largest] = [sorted[sorted.length >> 1], sorted[sorted.length - 1]];
    t.deepEqual(bugs[name], {
      median: Number(median.toPrecision(3)),
      largest: Number(largest.toPrecision(3)),
    });
  }
});

test('of levels of every size the middle one and the largest are written, in the order of numbers', (t) => {
  // As texts 10 stands before 2, and 9e-7 behind 0.2. Each level has a sixth of the rows.
  const levels = [10, 2, 9e-7, 0.2, 3e-9, 0.001];
  const cases = new Map(
    reference.cases.map(({ id, rows }) => [
      id,
      rows.map(({ truth }, r) => truth.map((_, i) => (i % 2 ? 1 : -1) * levels[r % levels.length])),
    ]),
  );
  const folder = written(t, [{ name: 'sized', cases }]);
  const { bugs } = JSON.parse(readFileSync(join(folder, 'model', 'signatures.json'), 'utf8'));
  t.deepEqual(bugs.sized, { median: 0.2, largest: 10 });
});

test('some of the cases and rows can be read, in another order', (t) => {
  const folder = written(t);
  const [whole] = readSignatures('model', reference.cases, folder).signatures;
  const [long, short] = reference.cases;
  const some = [short, { ...long, rows: [long.rows[7], long.rows[9]] }];
  const [part] = readSignatures('model', some, folder).signatures;
  t.deepEqual([...part.cases.keys()], ['short', 'long']);
  t.deepEqual(
    part.cases.get('long'),
    [7, 9].map((r) => whole.cases.get('long')![r]),
  );
  t.deepEqual(part.cases.get('short'), whole.cases.get('short'));
});

test('cases that are not recorded, or were recorded from other rows, are named and left out', (t) => {
  const folder = written(t);
  const [long, short] = reference.cases;
  const others = {
    'other ids': { ...long, rows: [{ ...long.rows[3], ids: long.rows[3].ids.toReversed() }] },
    'another position': { ...long, rows: [{ ...long.rows[3], position: 99 }] },
    'another case': { ...long, id: 'unknown' },
  };
  for (const [what, other] of Object.entries(others)) {
    const { signatures, unrecorded } = readSignatures('model', [other, short], folder);
    t.deepEqual(unrecorded, [other.id], what);
    for (const { cases } of signatures) t.deepEqual([...cases.keys()], ['short'], what);
  }
});

test('every case that is judged by its rows has signatures of every bug that its model can have', async (t) => {
  for (const model of QUICK_FIXTURES) {
    const path = new URL(`../../../../golden/${model}/signatures.json`, import.meta.url);
    const { cases, bugs } = JSON.parse(readFileSync(path, 'utf8'));
    const wanted = goldenCases(model).map(({ id, positions }) => [id, positions]);
    t.deepEqual(cases, Object.fromEntries(wanted), recordingHint(model));
    const config = await readModelConfig(await ensureFixture(model));
    t.deepEqual(
      Object.keys(bugs),
      bugsOf(config).map(({ name }) => name),
      recordingHint(model),
    );
  }
});

test('a file that is not of the schema is refused', (t) => {
  const folder = written(t);
  writeFileSync(join(folder, 'model', 'signatures.json'), '{"covered": 0}');
  t.throws(() => readSignatures('model', reference.cases, folder), {
    instanceOf: FileError,
    message: /record them: npm run signatures -- model$/,
  });
});
