/**
 * `npm run verdicts`: judges the recorded engines, prints the table, and records it as the judge's golden.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatJson } from '../../../generator/recording/store.ts';
import { ENGINES_FOLDER } from '../../../golden/engines/recorded-engines.ts';
import { judgeRecordedEngines } from './recorded-verdicts.ts';
import { scriptCommand } from './recording-command.ts';

await scriptCommand(
  'verdicts',
  "Judge the recorded engines, print the table, and record it as the judge's golden.",
  (program) => program.action(recordVerdicts),
);

async function recordVerdicts(): Promise<void> {
  const verdicts = await judgeRecordedEngines();
  for (const [fixture, engines] of Object.entries(verdicts)) {
    process.stdout.write(`\n${fixture}\n`);
    for (const [engine, { verdict, class: name, ratio, exceptions, found, power }] of Object.entries(
      engines,
    )) {
      const bugs = Object.entries(found).map(([bug, coefficient]) => `${bug} ${coefficient.toFixed(2)}`);
      const words = [...bugs, ...exceptions].join(', ');
      process.stdout.write(
        `  ${engine.padEnd(28)} ${verdict.padEnd(8)} ${name.padEnd(5)} ${String(ratio).padStart(5)}  ${power}  ${words}\n`,
      );
    }
  }
  writeFileSync(join(ENGINES_FOLDER, 'verdicts.json'), formatJson(verdicts));
}
