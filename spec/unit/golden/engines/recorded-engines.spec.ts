import test from 'ava';
import {
  readRecordedEngine,
  readRecordedEngines,
  recordedFixtures,
} from '../../../../golden/engines/recorded-engines.ts';
import { goldenCases } from '../../../../verify/reference/golden-cases.ts';
import { BUGS } from '../../../../verify/signatures/bugs.ts';

const { engines, shown } = readRecordedEngines();

/** Judged cases that each fixture had when PyTorch recorded the engines on it. */
const RECORDED_CASES = 7;

test('every engine is recorded on the same cases of each fixture, at every position', (t) => {
  t.deepEqual(recordedFixtures(), ['dense', 'moe', 'outliers']);
  for (const fixture of recordedFixtures()) {
    // Cases that are younger than the recordings have none.
    const [first] = Object.keys(engines);
    const recorded = readRecordedEngine(fixture, first);
    const judged = goldenCases(fixture).filter(({ id }) => recorded.has(id));
    t.true(judged.length >= RECORDED_CASES, `${fixture}: ${judged.map(({ id }) => id)}`);
    const lengths = Object.fromEntries(judged.map(({ id, ids }) => [id, ids.length]));
    for (const engine of Object.keys(engines)) {
      const cases = readRecordedEngine(fixture, engine);
      t.deepEqual(Object.fromEntries([...cases].map(([id, rows]) => [id, rows.length])), lengths);
      for (const { ids, logprobs } of [...cases.values()].flat()) {
        t.is(ids.length, shown);
        t.true(logprobs.every((value, i) => value <= 0 && (i === 0 || value <= logprobs[i - 1])));
      }
    }
  }
});

test('the bugs of the recorded engines are bugs that the judge knows', (t) => {
  const names = BUGS.map(({ name }) => name);
  const broken = Object.values(engines).flatMap(({ bug }) => (bug === undefined ? [] : [bug]));
  t.is(broken.length, 6);
  for (const bug of broken) t.true(names.includes(bug), bug);
});
