import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { storedCases, type VerifyCase } from '../../../../golden/verify-case.ts';
import { loadReference } from '../../../../verify/reference/load-reference.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const cases = storedCases('dense', []).filter(({ id }) =>
  ['ids-one', 'ids-empty', 'ids-thousand'].includes(id),
);

test('a reference is computed once, and kept by the hash of weights, configuration and cases', async (t) => {
  const folder = temporaryFolder(t);
  const modelDir = join(temporaryFolder(t), 'dense');
  cpSync(await ensureFixture('dense'), modelDir, { recursive: true });
  const told: string[] = [];
  const load = (some: readonly VerifyCase[] = cases) =>
    loadReference(modelDir, some, {
      withSignatures: false,
      golden: { name: 'dense' },
      folder,
      onProgress: (what) => told.push(what),
    });
  const first = await load();
  t.true(told.length > 3, told.join());
  t.deepEqual(
    first.cases.map(({ id }) => id),
    ['ids-one'],
    'what is refused and what is too long is left out',
  );
  told.length = 0;
  t.deepEqual(await load(), first);
  t.deepEqual(told, []);
  await load(cases.map((each) => ({ ...each, positions: each.positions.slice(1) })));
  const config = join(modelDir, 'config.json');
  writeFileSync(config, `${readFileSync(config, 'utf8')}\n`);
  await load();
  t.is(readdirSync(folder).length, 3);
});

test('signatures of stored goldens are those that are recorded', async (t) => {
  const options = { withSignatures: true, golden: { name: 'dense' }, folder: temporaryFolder(t) };
  const { signatures, cases: judged } = await loadReference(await ensureFixture('dense'), cases, options);
  t.true(signatures.length >= 30);
  t.is(signatures[0].cases.get('ids-one')?.length, judged[0].rows.length);
});
