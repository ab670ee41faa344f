import test from 'ava';
import { EXPORTERS } from '../../../../verify/report/exporters.ts';
import { verdictSchema } from '../../../../verify/verdict.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

test('every format renders every kind of verdict as text that ends with a new line', (t) => {
  for (const [format, render] of Object.entries(EXPORTERS)) {
    for (const verdict of [RIGHT, WRONG, UNKNOWN]) t.regex(render(verdict), /^\S[\s\S]*\n$/, format);
  }
});

test('the JSON is the whole verdict', (t) => {
  for (const verdict of [RIGHT, WRONG, UNKNOWN]) {
    t.deepEqual(verdictSchema.parse(JSON.parse(EXPORTERS.json(verdict))), verdict);
  }
});
