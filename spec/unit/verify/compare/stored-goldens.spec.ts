import { cpSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readModelConfig } from '../../../../engine/checkpoint/read-config.ts';
import type { ModelConfig } from '../../../../engine/config.ts';
import { Engine } from '../../../../engine/index.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { GOLDEN_FOLDER } from '../../../../golden/goldens.ts';
import { storedCases } from '../../../../golden/verify-case.ts';
import { engineSubject } from '../../../../verify/adapters/engine.ts';
import { type AskedCase, askCases } from '../../../../verify/ask/ask-cases.ts';
import { compareWithGoldens } from '../../../../verify/compare/stored-goldens.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const cases = storedCases('dense', []).filter(({ id }) =>
  ['ids-short', 'ids-empty', 'ids-thousand'].includes(id),
);

let asked: AskedCase[];
let config: ModelConfig;
test.before(async () => {
  const modelDir = await ensureFixture('dense');
  config = await readModelConfig(modelDir);
  const model = await engineSubject('plumbline', Engine).load(modelDir);
  asked = await askCases(model, cases, { sizes: config, concurrency: 1 });
  await model.close();
});

const changed = (change: (answer: AskedCase) => AskedCase) =>
  asked.map((each) => (each.case.id === 'ids-short' ? change(each) : each));
const compare = (answers: readonly AskedCase[]) => compareWithGoldens({ name: 'dense' }, config, answers);

test('our engine is what the goldens say, at every stored position, layer and greedy token', (t) => {
  const differences = compare(asked);
  t.deepEqual(
    [...differences.keys()].sort(),
    ['ids-short', 'ids-thousand'],
    'a refused prompt has nothing to compare',
  );
  t.deepEqual([...differences.values()].flat(), []);
});

test('a hidden state that is off is found at its layer and position', (t) => {
  const broken = changed((each) => {
    if (each.forward.kind !== 'result') return each;
    const hidden = each.forward.value.hidden!.slice();
    const length = each.case.promptIds.length + each.case.greedy.length;
    hidden[(2 * length + 1) * config.hiddenSize] += 1;
    return { ...each, forward: { kind: 'result', value: { ...each.forward.value, hidden } } };
  });
  t.like(compare(broken).get('ids-short')?.[0], { what: 'hidden_states.2', position: 1, index: 0 });
});

test('a row that is off is found, and so is another greedy token', (t) => {
  const row = changed((each) => {
    if (each.forward.kind !== 'result') return each;
    const rows = each.forward.value.rows.map(({ values }, i) => ({
      values: i === 0 ? values.map((value, id) => (id === 7 ? value + 1 : value)) : values,
    }));
    return { ...each, forward: { kind: 'result', value: { ...each.forward.value, rows } } };
  });
  t.like(compare(row).get('ids-short')?.[0], { what: 'logits', position: 0, index: 7 });
  const token = changed((each) => {
    if (each.generated.kind !== 'result') return each;
    const tokens = each.generated.value.tokens.map((value, i) => (i === 0 ? (value + 1) % 384 : value));
    return { ...each, generated: { kind: 'result', value: { tokens } } };
  });
  t.is(compare(token).get('ids-short')?.[0].what, 'greedy token');
});

test('goldens may lie in a folder of their own', (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(GOLDEN_FOLDER, 'dense'), join(folder, 'mine'), { recursive: true });
  const differences = compareWithGoldens({ name: 'mine', folder }, config, asked);
  t.deepEqual([...differences.values()].flat(), []);
  t.is(differences.size, 2);
});

test('of a case with positions that could not be asked, the greedy tokens are compared', (t) => {
  const partial = changed((each) => {
    if (each.forward.kind !== 'result') return each;
    const { rows } = each.forward.value;
    const unreached = [{ position: 0, why: 'no text encodes to it' }];
    return { ...each, forward: { kind: 'result', value: { rows: rows.slice(1), unreached } } };
  });
  t.deepEqual(compare(partial).get('ids-short'), []);
});

test('a case without answers is not compared', (t) => {
  const silent = changed((each) => ({ ...each, generated: { kind: 'no answer', message: 'it died' } }));
  t.false(compare(silent).has('ids-short'));
});
