import { readFileSync } from 'node:fs';
import test from 'ava';
import { keyOf, readPowerMatrix } from '../../../support/power/power-matrix.ts';
import { POWER_PAGE, powerPage } from '../../../support/power/power-page.ts';
import { powerRows } from '../../../support/power/power-rows.ts';

const matrix = readPowerMatrix();

test('the matrix has every broken engine of the tables, and the page is written from it', (t) => {
  t.deepEqual(Object.keys(matrix), powerRows().map(keyOf), 'measure what is missing: npm run power -- NAME');
  t.is(readFileSync(POWER_PAGE, 'utf8'), powerPage(matrix), 'write it anew: npm run power -- NAME');
});
