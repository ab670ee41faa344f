import { join } from 'node:path';
import { POWER_CLASSES } from './broken-engines.ts';
import type { PowerCell } from './power-cell.ts';
import type { PowerMatrix } from './power-matrix.ts';
import { whyUnseen } from './power-rows.ts';

export const POWER_PAGE = join(import.meta.dirname, '../../../docs/power.md');

const TITLES = {
  control: 'Engines without a bug',
  mutant: 'Bugs edited into the engine',
  serving: 'Bugs edited into serving',
  signature: 'Bugs that the judge has signatures of',
} as const;

type Row = PowerMatrix[string];

/** Bugs that were named and are not the engine's. */
function wrongNames({ signatures }: Row, { named }: PowerCell): string[] {
  return named.filter((name) => !signatures.includes(name));
}

/** docs/power.md. It depends on the matrix alone. */
export function powerPage(matrix: PowerMatrix): string {
  const rows = Object.values(matrix);
  const broken = rows.filter(({ table }) => table !== 'control');
  const share = (part: number, of: number) => `${part} of ${of} (${Math.round((100 * part) / of)} %)`;
  const figures = POWER_CLASSES.map((name) => {
    const shown = broken.filter(
      (row) => whyUnseen(row) === undefined && row.cells[name].outcome !== 'no answer',
    );
    const refused = shown.filter(({ cells }) => cells[name].outcome !== 'not told');
    const signed = refused.filter(({ signatures }) => signatures.length > 0);
    const found = signed.filter(({ cells }) => cells[name].outcome === 'found');
    const wrongly = rows.filter((row) => wrongNames(row, row.cells[name]).length > 0);
    return `| ${name} | ${share(refused.length, shown.length)} | ${share(found.length, signed.length)} | ${wrongly.length} |`;
  });
  const cell = (row: Row, one: PowerCell) => {
    const wrong = wrongNames(row, one);
    const outcome = row.table === 'control' && one.outcome === 'not told' ? 'right' : one.outcome;
    return wrong.length > 0 ? `${outcome}, named wrongly: ${wrong.join(', ')}` : outcome;
  };
  const sections = Object.entries(TITLES).map(([table, title]) => {
    const lines = rows
      .filter((row) => row.table === table)
      .map(
        (row) =>
          `| ${row.name} | ${row.model} | ${POWER_CLASSES.map((name) => cell(row, row.cells[name])).join(' | ')} |`,
      );
    return [
      `## ${title}`,
      '',
      `| engine | model | ${POWER_CLASSES.join(' | ')} |`,
      '|---|---|---|---|',
      ...lines,
    ].join('\n');
  });
  const open = broken.flatMap((row) => {
    const classes = POWER_CLASSES.filter((name) =>
      ['not told', 'no answer'].includes(row.cells[name].outcome),
    );
    if (classes.length === 0) return [];
    const said = row.cells[classes[0]].reason;
    const why =
      whyUnseen(row) ??
      (said === '' ? 'its answers are within the noise, or these requests do not meet it' : said);
    return [`| ${row.name} | ${classes.join(', ')} | ${why.replaceAll('|', '\\|')} |`];
  });
  return `# What the judge can tell

Every broken engine of the suite, behind HTTP in the shape of vLLM (engines that serve together also of llama-server, and with less
memory), judged with \`--precision\` of its class: at f32, and with its results rounded to bf16. \`npm run power\` measures and
writes this page.

- **found**: refused, and the bug is named. **refused**: refused without that name. **not told**: let pass.
- **no answer**: the engine stops answering, which is no answer to judge: the verdict is "unknown" and says so, the exit code is 3.
- \`eps-tenth\` and \`eps-1e-6\` are nearly the same change of \`dense\`, whose eps is 3e-5: the name of either is right.
- Bugs that the judge has signatures of are asked for numbers and greedy tokens alone; all others for consistency too.

| class | refused, of those that show in answers | named rightly, of those refused that have a signature | named wrongly |
|---|---|---|---|
${figures.join('\n')}

${sections.join('\n\n')}

## Not told, and why

| engine | class | why |
|---|---|---|
${open.join('\n')}
`;
}
