/** `npm run classes`: records which precision classes each fixture can judge; `-- NAME` for one fixture. */
import { existsSync, writeFileSync } from 'node:fs';
import { formatJson } from '../../../generator/recording/store.ts';
import { CLASSES_FILE, measureClasses, readJudgeableClasses } from './precision-classes.ts';
import { recordingCommand } from './recording-command.ts';

const recorded = existsSync(CLASSES_FILE) ? readJudgeableClasses() : {};
await recordingCommand(
  'classes',
  'Record which precision classes each fixture can judge.',
  async (fixture) => {
    const measured = await measureClasses(fixture);
    recorded[fixture] = measured;
    const noise = Object.entries(measured.classes).map(
      ([name, one]) => `${name} ${one.noise}${one.judgeable ? '' : ' (not judgeable)'}`,
    );
    process.stdout.write(`${fixture.padEnd(12)} top 20: ${measured.coverage}  nats: ${noise.join(', ')}\n`);
    writeFileSync(CLASSES_FILE, formatJson(recorded));
  },
);
