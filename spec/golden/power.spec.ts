import test from 'ava';
import { POWER_CLASSES } from '../support/power/broken-engines.ts';
import { powerCell } from '../support/power/power-cell.ts';
import { keyOf, readPowerMatrix } from '../support/power/power-matrix.ts';
import { powerRows } from '../support/power/power-rows.ts';

const matrix = readPowerMatrix();

const SAMPLE = ['mutant: k is not normed', 'mutant: scores are not scaled'];

for (const key of SAMPLE) {
  test(`the recorded outcome is measured again from few cases: ${key}`, async (t) => {
    const row = powerRows().find((one) => keyOf(one) === key)!;
    for (const precision of POWER_CLASSES) {
      const { outcome, named } = await powerCell(row, precision, [
        'ids-short',
        'ids-one',
        'ids-longer',
        'ids-block',
      ]);
      const { cells } = matrix[key];
      t.deepEqual({ outcome, named }, { outcome: cells[precision].outcome, named: cells[precision].named });
    }
  });
}
