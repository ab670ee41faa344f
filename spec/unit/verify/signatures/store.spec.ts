import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { hasSignatures, readSignatures, writeSignatures } from '../../../../verify/signatures/store.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { syntheticReference } from '../judge/synthetic.ts';

trackResources(test);

const reference = syntheticReference();
const writeJson = (path: string, json: unknown) => writeFileSync(path, JSON.stringify(json));

function written(t: Parameters<typeof temporaryFolder>[0]): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'model'));
  writeSignatures({
    model: 'model',
    truth: reference.cases,
    signatures: reference.signatures,
    writeJson,
    folder,
  });
  return folder;
}

test('signatures are read as they were written, to an eighth bit of the row’s largest', (t) => {
  const folder = written(t);
  t.true(hasSignatures('model', folder));
  t.false(hasSignatures('other', folder));
  const read = readSignatures('model', reference.cases, folder);
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

test('some of the cases and rows can be read, in another order', (t) => {
  const folder = written(t);
  const [whole] = readSignatures('model', reference.cases, folder);
  const [long, short] = reference.cases;
  const some = [short, { ...long, rows: [long.rows[7], long.rows[9]] }];
  const [part] = readSignatures('model', some, folder);
  t.deepEqual([...part.cases.keys()], ['short', 'long']);
  t.deepEqual(
    part.cases.get('long'),
    [7, 9].map((r) => whole.cases.get('long')![r]),
  );
  t.deepEqual(part.cases.get('short'), whole.cases.get('short'));
});

test('signatures of other goldens are refused, with the command that records them', (t) => {
  const folder = written(t);
  const [long] = reference.cases;
  const other = [{ ...long, rows: [{ ...long.rows[3], ids: long.rows[3].ids.toReversed() }] }];
  t.throws(() => readSignatures('model', other, folder), {
    instanceOf: FileError,
    message: /long, position 3: was recorded from other log-probabilities; .*npm run signatures -- model/,
  });
  const unknown = [{ ...long, rows: [{ ...long.rows[3], position: 99 }] }];
  t.throws(() => readSignatures('model', unknown, folder), { message: /has no row for long, position 99/ });
});

test('a file that is not of the schema is refused', (t) => {
  const folder = written(t);
  writeFileSync(join(folder, 'model', 'signatures.json'), '{"covered": 0}');
  t.throws(() => readSignatures('model', reference.cases, folder), { instanceOf: FileError });
});
