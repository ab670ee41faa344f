/**
 * `npm run power`: judges every broken engine of the mutants' tables and of the judge's bugs behind HTTP, at
 * f32 and at bf16, and writes the matrix and docs/power.md; with `-- TEXT …` only the engines whose names
 * contain one of the texts.
 */
import { writeFileSync } from 'node:fs';
import { UsageError } from '../../../engine/errors.ts';
import { formatJson } from '../../../generator/recording/store.ts';
import { scriptCommand } from '../golden/recording-command.ts';
import { POWER_CLASSES } from './broken-engines.ts';
import { powerCell } from './power-cell.ts';
import { keyOf, MATRIX_FILE, type PowerMatrix, readPowerMatrix } from './power-matrix.ts';
import { POWER_PAGE, powerPage } from './power-page.ts';
import { type PowerRow, powerRows } from './power-rows.ts';

await scriptCommand('power', 'Judge every broken engine of the suite, and write docs/power.md.', (program) =>
  program
    .argument('[texts...]', 'judge only the engines whose names contain one of these')
    .action(measurePower),
);

async function measurePower(texts: string[]): Promise<void> {
  const rows = powerRows();
  const recorded = readPowerMatrix();
  // What is right about a large vocabulary takes long to compute the first time.
  const isLarge = ({ model }: PowerRow) => Number(model === 'peaked');
  for (const text of texts) {
    if (!rows.some((row) => keyOf(row).includes(text))) {
      throw new UsageError(
        `no broken engine has "${text}" in its name; docs/power.md lists the names, such as "${keyOf(rows[0])}"`,
      );
    }
  }
  const chosen = rows
    .filter((row) => texts.length === 0 || texts.some((text) => keyOf(row).includes(text)))
    .toSorted((a, b) => isLarge(a) - isLarge(b));
  for (const [done, row] of chosen.entries()) {
    const cells = { ...recorded[keyOf(row)]?.cells };
    for (const precision of POWER_CLASSES) {
      const cell = await powerCell(row, precision);
      cells[precision] = cell;
      const words = [cell.outcome, ...cell.named, ...(cell.outcome === 'found' ? [] : [cell.reason])].join(
        ', ',
      );
      process.stderr.write(`${done + 1} of ${chosen.length}  ${keyOf(row)}, ${precision}: ${words}\n`);
    }
    recorded[keyOf(row)] = { ...row, cells };
    // In the order of the tables; what they no longer have is left out.
    const matrix: PowerMatrix = Object.fromEntries(
      rows.flatMap((each) =>
        recorded[keyOf(each)] ? [[keyOf(each), { ...recorded[keyOf(each)], ...each }]] : [],
      ),
    );
    writeFileSync(MATRIX_FILE, formatJson(matrix));
  }
  writeFileSync(POWER_PAGE, powerPage(readPowerMatrix()));
}
