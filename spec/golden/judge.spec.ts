import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  ENGINES_FOLDER,
  readRecordedEngines,
  recordedFixtures,
} from '../../golden/engines/recorded-engines.ts';
import { judge } from '../../verify/judge/judge.ts';
import {
  fixtureReference,
  recordedSubject,
  type ShortVerdict,
  shortVerdict,
} from '../support/golden/recorded-verdicts.ts';
import { trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const { engines, source } = readRecordedEngines();
const recorded: Record<string, Record<string, ShortVerdict>> = JSON.parse(
  readFileSync(join(ENGINES_FOLDER, 'verdicts.json'), 'utf8'),
);

for (const fixture of recordedFixtures()) {
  test(`${fixture}: honest engines are right in their class, broken ones are wrong and named (${source})`, async (t) => {
    const reference = await fixtureReference(fixture);
    for (const [engine, { precision, bug }] of Object.entries(engines)) {
      const verdict = shortVerdict(judge(recordedSubject(fixture, engine), reference));
      const where = `${fixture}, ${engine}`;
      t.is(verdict.verdict, bug === undefined ? 'right' : 'wrong', where);
      t.deepEqual(Object.keys(verdict.found), bug === undefined ? [] : [bug], where);
      if (bug === undefined) t.is(verdict.class, precision, where);
      t.deepEqual(
        verdict,
        recorded[fixture][engine],
        `${where}: look at it, then record it: npm run verdicts`,
      );
    }
  });
}
