/**
 * `npm run signatures`: records what each bug that the judge knows does to the log-probabilities of the
 * goldens, or with `-- NAME` of one model's.
 */
import { writeFileSync } from 'node:fs';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { formatJson } from '../../../generator/recording/store.ts';
import { goldenCases } from '../../../verify/reference/golden-cases.ts';
import { computeTruth } from '../../../verify/reference/reference.ts';
import { computeSignatures } from '../../../verify/signatures/compute.ts';
import { writeSignatures } from '../../../verify/signatures/store.ts';
import { recordingCommand } from './recording-command.ts';

const description = 'Record what each known bug does to the log-probabilities of the goldens.';
await recordingCommand('signatures', description, async (model) => {
  const modelDir = await ensureFixture(model);
  const truth = await computeTruth(modelDir, goldenCases(model));
  const signatures = await computeSignatures(modelDir, truth, {
    onProgress: (bug) => process.stderr.write(`${model}: ${bug}\n`),
  });
  writeSignatures({
    model,
    truth,
    signatures,
    writeJson: (path, json) => writeFileSync(path, formatJson(json)),
  });
  const rows = truth.reduce((sum, one) => sum + one.rows.length, 0);
  process.stdout.write(`${model}: ${signatures.length} signatures of ${rows} rows\n`);
});
