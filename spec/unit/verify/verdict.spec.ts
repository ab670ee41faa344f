import { readFileSync } from 'node:fs';
import test from 'ava';
import { verdictSchema } from '../../../verify/verdict.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../support/verify/sample-verdicts.ts';
import { SCHEMA_FILE, verdictJsonSchema } from '../../support/verify/verdict-schema.ts';

test('verdicts of every kind fit the schema', (t) => {
  for (const verdict of [RIGHT, WRONG, UNKNOWN]) t.deepEqual(verdictSchema.parse(verdict), verdict);
});

test('a verdict of another word, class or format does not fit', (t) => {
  const wrong: object[] = [
    { ...RIGHT, verdict: 'perhaps' },
    { ...RIGHT, format: 2 },
    { ...RIGHT, precision: { ...RIGHT.precision, class: 'fp8' } },
    { ...RIGHT, power: { ...RIGHT.power, refused: -1 } },
    { ...RIGHT, cases: [{ ...RIGHT.cases[0], outcome: 'maybe' }] },
  ];
  for (const verdict of wrong)
    t.false(verdictSchema.safeParse(verdict).success, JSON.stringify(verdict).slice(0, 80));
});

test('the JSON schema in the package is that of the verdict', (t) => {
  const written = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'));
  t.deepEqual(written, verdictJsonSchema(), 'write it anew: node spec/support/verify/verdict-schema.ts');
});
