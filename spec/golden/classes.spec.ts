import test from 'ava';
import { FIXTURES, QUICK_FIXTURES } from '../../generator/fixtures/fixture-specs.ts';
import { measureClasses, readJudgeableClasses } from '../support/golden/precision-classes.ts';
import { trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const recorded = readJudgeableClasses();

test('it is recorded of every fixture that is quick to make which classes it can judge', (t) => {
  t.deepEqual(Object.keys(recorded).sort(), [...QUICK_FIXTURES].sort(), 'npm run classes');
});

test('peaked judges every class, and 20 log-probabilities show nearly all of a row', (t) => {
  const { coverage, classes } = recorded.peaked;
  t.true(coverage > 0.9, `coverage ${coverage}`);
  const most: Record<string, number> = { f32: 1e-5, f16: 0.01, bf16: 0.02, '8bit': 0.03, '4bit': 0.35 };
  t.deepEqual(Object.keys(classes), Object.keys(most));
  for (const [name, { noise, judgeable }] of Object.entries(classes)) {
    t.true(judgeable, name);
    t.true(noise <= most[name], `${name}: ${noise} nats, at most ${most[name]}`);
  }
});

for (const fixture of QUICK_FIXTURES.filter((name) => !FIXTURES[name].tokenizer)) {
  test(`${fixture} has the noise and the coverage that are recorded`, async (t) => {
    t.deepEqual(await measureClasses(fixture), recorded[fixture], 'look at it, then: npm run classes');
  });
}
