/**
 * `npm run fingerprints`: records the engine's own fingerprints of all golden cases, or with `-- NAME` of one
 * model's; a large one must be named. They are kept apart from the reference's goldens, so that a change of
 * the engine and a change of the reference are never confused.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../../../engine/engine.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { formatJson } from '../../../generator/recording/store.ts';
import { GOLDEN_FOLDER, readCase, readFingerprints, readManifest } from '../../../golden/goldens.ts';
import { engineSubject } from '../../../verify/adapters/engine.ts';
import { recordingCommand } from './recording-command.ts';

await recordingCommand(
  'fingerprints',
  "Record the engine's own fingerprints of golden cases.",
  async (model) => {
    const subject = await engineSubject('plumbline', Engine).load(await ensureFixture(model));
    const old = readFingerprints(model);
    const { cases, maxNewTokens } = readManifest(model);
    const fingerprints: Record<string, string | undefined> = {};
    for (const id of cases) {
      const golden = readCase(model, id);
      if ('refusal' in golden) continue;
      fingerprints[id] = (await subject.generate({ ids: golden.ids, maxNewTokens })).fingerprint;
    }
    await subject.close();
    const changed = Object.keys(fingerprints).filter((id) => fingerprints[id] !== old[id]);
    process.stdout.write(
      `${model}: ${changed.length} of ${Object.keys(fingerprints).length} changed ${changed.join(' ')}\n`,
    );
    const path = join(GOLDEN_FOLDER, model, 'fingerprints.json');
    writeFileSync(`${path}.tmp`, formatJson(fingerprints));
    renameSync(`${path}.tmp`, path);
  },
);
